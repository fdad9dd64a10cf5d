
'use strict';
// Sorting and filtering. Without this script the page shows the same, the most urgent tokens first.
const table = document.getElementById('rows');
const body = table.tBodies[0];
const headings = [...table.tHead.rows[0].cells];
const rows = [...body.rows].map((element) => ({
  element,
  // A time is compared as it was, not as it is shown.
  keys: [...element.cells].map((cell) => cell.querySelector('time')?.dateTime ?? cell.textContent),
  text: element.textContent.toLowerCase(),
}));
const collator = new Intl.Collator('en', { numeric: true });

function sortBy(column) {
  const heading = headings[column];
  const descending = heading.getAttribute('aria-sort') === 'ascending';
  headings.forEach((other) => other.removeAttribute('aria-sort'));
  heading.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
  const sign = descending ? -1 : 1;
  // What is not known comes last in both directions.
  const unknown = (key) => key === '–';
  rows.sort((one, other) => {
    const [a, b] = [one.keys[column], other.keys[column]];
    return unknown(a) - unknown(b) || sign * collator.compare(a, b);
  });
  body.append(...rows.map((row) => row.element));
}

headings.forEach((heading, column) => {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = heading.textContent;
  button.addEventListener('click', () => sortBy(column));
  heading.replaceChildren(button);
});

const filter = document.getElementById('filter');
const result = document.querySelector('.filter output');

function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const matches = words.every((word) => row.text.includes(word));
    row.element.hidden = !matches;
    shown += matches;
  }
  result.textContent = words.length ? `${shown} of ${rows.length} tokens` : '';
}

filter.addEventListener('input', applyFilter);
document.querySelector('.filter').hidden = false;
