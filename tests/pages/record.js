// Keeps what a test asks about later: loaded before everything else, so that nothing is missed.
window.recorded = { events: [], errors: [], violations: [] };

for (const name of ["ready", "status", "message", "sent", "error"]) {
  document.addEventListener(`roomlet-${name}`, ({ type, detail }) => {
    window.recorded.events.push({ type, detail });
  });
}
window.addEventListener("error", ({ message }) => window.recorded.errors.push(message));
window.addEventListener("unhandledrejection", ({ reason }) => window.recorded.errors.push(String(reason)));
const consoleError = console.error;
console.error = (...words) => {
  window.recorded.errors.push(words.join(" "));
  consoleError(...words);
};
document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sourceFile }) => {
  window.recorded.violations.push({ effectiveDirective, blockedURI, sourceFile });
});
