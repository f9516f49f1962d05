import './styles.css';
import { createRoot } from 'react-dom/client';

const root = document.getElementById('admin');
if (root) createRoot(root).render(<p>Hello</p>);
