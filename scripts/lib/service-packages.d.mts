/** The folder with the Python packages of services that are tested; belongs on PYTHONPATH. */
export function findServicePackages(): string | undefined;
