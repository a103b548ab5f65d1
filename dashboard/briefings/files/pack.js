// Turns the pages of a meeting pack with the keyboard. It asks nothing of any server, and without it the pages still scroll.
(() => {
  const pages = [...document.querySelectorAll('.page')];
  const slack = 12; // pixels that rounding and zoom may leave over

  // The page that takes up the middle of the window.
  const current = () => {
    const middle = innerHeight / 2;
    const at = pages.findIndex((page) => page.getBoundingClientRect().bottom > middle);
    return at < 0 ? pages.length - 1 : at;
  };

  const turnTo = (n) => {
    const page = pages[Math.min(Math.max(n, 0), pages.length - 1)];
    page.scrollIntoView({ behavior: 'instant', block: 'start' });
    page.focus({ preventScroll: true });
    try { history.replaceState(null, '', `#${page.id}`); } catch { /* some browsers refuse this for files; the page has turned */ }
  };

  // A page that is taller than the window is read to its end before the next one comes.
  const more = (step) => {
    const box = pages[current()].getBoundingClientRect();
    return step > 0 ? box.bottom > innerHeight + slack : box.top < -slack;
  };

  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1, PageDown: 1, PageUp: -1 };
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest('.scroll') && event.key !== 'PageDown' && event.key !== 'PageUp') return;
    let step = steps[event.key];
    if (event.key === ' ') {
      if (event.target.closest('summary, a, button')) return;
      step = event.shiftKey ? -1 : 1;
    } else if (event.shiftKey) return;
    if (event.key === 'Home') turnTo(0);
    else if (event.key === 'End') turnTo(pages.length - 1);
    else if (!step) return;
    else if (!event.key.startsWith('ArrowR') && !event.key.startsWith('ArrowL') && more(step)) return;
    else turnTo(current() + step);
    event.preventDefault();
  });
})();
