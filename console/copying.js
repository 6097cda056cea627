/** What is copied is the data, not how the page shows what cannot be seen of it. */

/**
 * The selection's own text, where it lies within one piece of data; `undefined` where it does not.
 * @param {Selection | null} selection
 */
function dataOf(selection) {
  if (selection === null || selection.rangeCount === 0) return undefined;
  const range = selection.getRangeAt(0);
  const at = range.commonAncestorContainer;
  const within = at instanceof Element ? at : at.parentElement;
  if (within?.closest('.data, .block') == null) return undefined;
  const whole = within.closest('[data-real]')?.getAttribute('data-real');
  if (whole !== undefined && whole !== null) return whole;
  const copy = range.cloneContents();
  for (const one of copy.querySelectorAll('[data-real]')) one.replaceWith(one.getAttribute('data-real') ?? '');
  for (const one of copy.querySelectorAll('.cut, button')) one.remove();
  return copy.textContent ?? '';
}

/** Put into the clipboard instead of what is shown. */
export function copyData() {
  addEventListener('copy', (event) => {
    if (event.target instanceof Element && event.target.matches('input, textarea')) return;
    const text = dataOf(getSelection());
    if (text === undefined || event.clipboardData === null) return;
    event.clipboardData.setData('text/plain', text);
    event.preventDefault();
  });
}
