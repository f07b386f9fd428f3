// The page works without this: here it answers as you pause, and without being loaded again. What is shown comes
// from the server, which has escaped it.

const PAUSE = 250; // milliseconds without a key

const form = document.getElementById('analyse');
const text = form.elements.text;
const result = document.getElementById('result');
const clear = form.querySelector('.clear');

let timer;
let asked; // the request under way: an older one is not waited for
let shown = text.value; // what the result is about

document.documentElement.classList.add('live');

async function send(action, fields, signal) {
  const headers = { 'X-Part': '1' };
  const answer = await fetch(action, { method: 'POST', body: new URLSearchParams(fields), headers, signal });
  if (answer.status === 401) location.reload(); // the session has ended: the way in is shown
  if (!(answer.headers.get('Content-Type') || '').startsWith('text/html')) throw new Error(answer.statusText);
  return answer.text();
}

function fault() {
  const said = document.createElement('p');
  said.className = 'fault';
  said.setAttribute('role', 'alert');
  said.textContent = form.dataset.unreachable;
  return said;
}

async function analyse() {
  clearTimeout(timer);
  if (text.value === shown) return;
  asked?.abort();
  const mine = (asked = new AbortController());
  const about = text.value;
  result.setAttribute('aria-busy', 'true');
  try {
    const html = await send(form.action, { text: about, csrf: form.elements.csrf.value }, mine.signal);
    if (mine !== asked) return;
    result.innerHTML = html;
    shown = about;
  } catch (error) {
    if (error.name === 'AbortError' || mine !== asked) return;
    result.replaceChildren(fault());
    shown = undefined;
  }
  result.removeAttribute('aria-busy');
}

function typed() {
  clear.hidden = !text.value;
  clearTimeout(timer);
  timer = setTimeout(analyse, PAUSE);
}

text.addEventListener('input', typed);

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (event.submitter?.name === 'example') {
    text.value = event.submitter.value;
    clear.hidden = false;
    text.focus();
  }
  analyse();
});

form.addEventListener('reset', () => setTimeout(() => {
  text.value = '';
  typed();
  analyse();
  text.focus();
}));

result.addEventListener('submit', async (event) => {
  event.preventDefault();
  const wrong = event.target;
  const fields = [...new FormData(wrong), [event.submitter.name, event.submitter.value]];
  wrong.querySelectorAll('button').forEach((button) => (button.disabled = true));
  try {
    const holder = document.createElement('div');
    holder.innerHTML = await send(wrong.action, fields);
    wrong.replaceWith(...holder.childNodes);
  } catch {
    wrong.replaceWith(fault());
  }
});

clear.hidden = !text.value;
