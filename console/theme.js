// Before the first paint, so that nobody is shown the other colours first.
const chosen = localStorage.getItem('crossfade.theme');
if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
