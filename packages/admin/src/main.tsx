import './styles.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { readFacts, setFacts } from './lib/facts.ts';

const root = document.getElementById('admin');
if (root) {
  setFacts(readFacts(root));
  createRoot(root).render(<App />);
}
