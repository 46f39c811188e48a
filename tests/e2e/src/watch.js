// Runs before the scripts of a page: keeps when its sockets opened and closed and what it was told of the connection,
// and lets a test move the clocks on.
{
  const watched = { sockets: [], statuses: [], ahead: 0 };
  window.watched = watched;
  const [performanceNow, dateNow] = [performance.now.bind(performance), Date.now.bind(Date)];
  performance.now = () => performanceNow() + watched.ahead;
  Date.now = () => dateNow() + watched.ahead;

  window.WebSocket = new Proxy(WebSocket, {
    construct(target, parameters) {
      const socket = new target(...parameters);
      const life = { opened: null, closed: null };
      watched.sockets.push(life);
      socket.addEventListener("open", () => (life.opened = performance.now()));
      // Browsers say `error` first where there was no close frame.
      for (const end of ["error", "close"]) socket.addEventListener(end, () => (life.closed ??= performance.now()));
      return socket;
    },
  });

  document.addEventListener("roomlet-status", ({ detail }) => {
    watched.statuses.push({ at: performance.now(), status: detail.status });
  });
}
