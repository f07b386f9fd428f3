// The page works without this: here a report is judged, or a text labelled, by a key, and without the page being
// loaded again.

const reports = () => [...document.querySelectorAll('.report:not(.done)')];
const hint = document.querySelector('.keys');
if (hint) hint.hidden = false;
document.querySelectorAll('kbd').forEach((key) => (key.hidden = false));

let last; // the one judged last: a label may still be changed

function show(report) {
  report?.focus({ preventScroll: true });
  report?.scrollIntoView({ block: 'center' });
}

function go(step) {
  const all = reports();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement?.closest('.report'));
  show(all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)]);
}

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input,textarea,select')) return;
  const report = document.activeElement?.closest('.report') ?? reports()[0];
  const press = (css) => report?.querySelector(css);
  const own = /^[1-9s]$/.test(event.key) && press(`[data-key="${event.key}"]`);
  if (event.key === 'j') go(1);
  else if (event.key === 'k') go(-1);
  else if (event.key === 'u' && last) show(last);
  else if (own) own.click();
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
  const labelling = form.querySelector('.label') !== null;
  const all = reports();
  const at = all.indexOf(report);
  const next = at < 0 ? all[0] : (all[at + 1] ?? all[at - 1]);
  const body = new URLSearchParams([...new FormData(form), [name, value]]);
  const buttons = form.querySelectorAll('button');
  buttons.forEach((button) => (button.disabled = true));
  try {
    const answer = await fetch(form.action, { method: 'POST', body, headers: { 'X-Part': '1' } });
    if (!answer.ok) throw new Error(answer.statusText);
    const holder = document.createElement('div');
    holder.innerHTML = await answer.text(); // from the server, which has escaped it
    if (labelling) {
      report.querySelector('.thanks')?.remove();
      form.after(...holder.childNodes);
      buttons.forEach((button) => {
        button.disabled = false;
        button.setAttribute('aria-pressed', button === event.submitter);
      });
      last = report;
    } else form.replaceWith(...holder.childNodes);
    report.classList.add('done');
    if (next) show(next);
    else document.querySelector('.more')?.focus();
  } catch {
    // As the page does it by itself, with its own words for what is wrong.
    buttons.forEach((button) => (button.disabled = false));
    const chosen = document.createElement('input');
    Object.assign(chosen, { type: 'hidden', name, value });
    form.append(chosen);
    form.submit();
  }
});
