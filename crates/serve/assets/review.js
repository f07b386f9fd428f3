// The page works without this: here a report is judged by a key, and without the page being loaded again.

const reports = () => [...document.querySelectorAll('.report:not(.done)')];
const hint = document.querySelector('.keys');
if (hint) hint.hidden = false;

function go(step) {
  const all = reports();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement?.closest('.report'));
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'center' });
}

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input,textarea,select')) return;
  const report = document.activeElement?.closest('.report') ?? reports()[0];
  const press = (css) => report?.querySelector(css);
  if (event.key === 'j') go(1);
  else if (event.key === 'k') go(-1);
  else if (event.key === 'a') press('[value=accepted]')?.click();
  else if (event.key === 'r') press('[value=rejected]')?.click();
  else if (event.key === 'c') press('.correct')?.focus();
  else return;
  event.preventDefault();
});

document.getElementById('reports')?.addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target;
  const report = form.closest('.report');
  const { name, value } = event.submitter;
  const all = reports();
  const next = all[all.indexOf(report) + 1] ?? all[all.indexOf(report) - 1];
  const body = new URLSearchParams([...new FormData(form), [name, value]]);
  form.querySelectorAll('button').forEach((button) => (button.disabled = true));
  try {
    const answer = await fetch(form.action, { method: 'POST', body, headers: { 'X-Part': '1' } });
    if (!answer.ok) throw new Error(answer.statusText);
    const holder = document.createElement('div');
    holder.innerHTML = await answer.text(); // from the server, which has escaped it
    form.replaceWith(...holder.childNodes);
    report.classList.add('done');
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: 'center' });
  } catch {
    // As the page does it by itself, with its own words for what is wrong.
    form.querySelectorAll('button').forEach((button) => (button.disabled = false));
    const chosen = document.createElement('input');
    Object.assign(chosen, { type: 'hidden', name, value });
    form.append(chosen);
    form.submit();
  }
});
