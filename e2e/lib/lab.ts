import type { Page } from 'playwright-core';

/** Opens a new notebook from JupyterLab's launcher and waits until its kernel answers. */
export async function newNotebook(page: Page): Promise<void> {
  await page.locator('.jp-LauncherCard[data-category="Notebook"]').first().click();
  await kernelReady(page);
}

/** Waits until the open notebook's kernel answers. */
export async function kernelReady(page: Page): Promise<void> {
  await page.locator('.jp-Notebook .jp-CodeCell').first().waitFor();
  await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
}

/** Types into the last cell, runs it, and answers what it printed. */
export async function runCell(page: Page, code: string): Promise<string> {
  const cells = page.locator('.jp-Notebook .jp-CodeCell');
  // Running the last cell adds another: `last()` would then be that one.
  const cell = cells.nth((await cells.count()) - 1);
  await cell.locator('.cm-content').click();
  await page.keyboard.insertText(code);
  const output = cell.locator('.jp-OutputArea-output').first();
  for (let tries = 0; tries < 8; tries += 1) {
    await page.keyboard.press('Shift+Enter');
    const done = await output.waitFor({ timeout: 6_000 }).catch(() => 'not yet');
    if (done !== 'not yet') break;
    // JupyterLab forgets what is run while it still connects to a new kernel, and shows the cell as never run.
    await cell.locator('.cm-content').click();
  }
  return (await output.innerText()).trim();
}

/** Saves under the name JupyterLab proposes. */
export async function saveNotebook(page: Page): Promise<void> {
  await page.keyboard.press('Control+s');
  const rename = page.getByRole('button', { name: 'Rename and Save' });
  await rename.click({ timeout: 5_000 }).catch(() => {});
  await page.locator('.jp-mod-current[data-id], .lm-TabBar-tab.jp-mod-current').first().waitFor();
}
