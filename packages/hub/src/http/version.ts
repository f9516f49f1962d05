/** The JupyterHub whose wire contract this hub speaks; clients compare it with their own (contract §1.3). */
export const JUPYTERHUB_VERSION = '6.1.1';
