"use strict";
/* Live changes. Everything works without this file; with it, what changes is on the screen as soon as it is told. Text goes in as text,
   never as markup. */
(() => {
  const paper = document.getElementById("print");
  if (paper) {
    paper.hidden = false;
    paper.addEventListener("click", () => window.print());
  }
})();
/* The wall: one screen after another, a clock, the page anew after each round. Stopped by its button or the space bar. */
(() => {
  const turning = document.getElementById("turning");
  const screens = [...document.querySelectorAll("[data-screen]")];
  if (!turning || !screens.length) return;
  const pause = document.getElementById("pause");
  const clock = document.getElementById("clock");
  const zone = { timeZone: "Asia/Ho_Chi_Minh", hour12: false, hour: "2-digit", minute: "2-digit", day: "2-digit", month: "2-digit", year: "numeric" };
  const written = new Intl.DateTimeFormat(document.documentElement.lang === "vi" ? "vi-VN" : "en-GB", zone);
  const seconds = Number(turning.dataset.seconds);
  let at = 0;
  let stopped = false;
  const show = (next) => {
    at = (next + screens.length) % screens.length;
    screens.forEach((screen, i) => screen.classList.toggle("on", i === at));
  };
  const turn = () => {
    if (at + 1 < screens.length) show(at + 1);
    else if (navigator.onLine) window.location.reload();
    else show(0);
  };
  const stop = () => {
    stopped = !stopped;
    pause.textContent = stopped ? pause.dataset.resume : pause.dataset.pause;
    pause.setAttribute("aria-pressed", String(stopped));
  };
  document.body.classList.add("turns");
  turning.hidden = false;
  show(0);
  pause.addEventListener("click", stop);
  document.getElementById("next").addEventListener("click", () => show(at + 1));
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("button, a, summary")) return;
    if (event.key === "ArrowRight") show(at + 1);
    else if (event.key === "ArrowLeft") show(at - 1);
    else if (event.key === " ") stop();
    else return;
    event.preventDefault();
  });
  window.setInterval(() => { clock.textContent = written.format(new Date()); }, 1000);
  window.setInterval(() => { if (!stopped) turn(); }, seconds * 1000);
})();
(() => {
  const address = document.body.dataset.live;
  if (!address || !window.EventSource) return;
  const pulse = document.getElementById("pulse");
  const news = document.getElementById("news");
  const say = (live) => {
    if (!pulse) return;
    pulse.className = live ? "pulse on" : "pulse off";
    pulse.textContent = live ? pulse.dataset.liveOn : pulse.dataset.liveOff;
  };
  const flash = (element) => {
    element.classList.remove("flash");
    void element.offsetWidth; // starts the animation anew
    element.classList.add("flash");
  };
  const announce = (text) => {
    if (!news) return;
    news.firstElementChild.textContent = text;
    news.hidden = false;
  };
  const made = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text) element.textContent = text;
    return element;
  };
  const badge = (change) => {
    const found = made("span", `badge ${change.name}`);
    const sign = made("span", "sign", change.sign);
    sign.setAttribute("aria-hidden", "true");
    found.append(sign, change.words);
    return found;
  };
  const onValue = (change) => {
    for (const element of document.querySelectorAll("[data-key]")) {
      if (element.dataset.key !== change.key || element.textContent === change.text) continue;
      element.textContent = change.text;
      element.title = change.at;
      flash(element);
    }
  };
  const onAlert = (change) => {
    announce(`${change.sign} ${change.title}`);
    const list = document.getElementById("alerts");
    if (!list) return;
    const known = [...list.children].find((item) => item.dataset.alert === change.id);
    if (known) {
      known.className = `alert ${change.name}`;
      known.querySelector("h3 a").textContent = change.title;
      known.querySelector(".badge").replaceWith(badge(change));
      known.querySelector(".mark").textContent = change.sign;
      flash(known);
    } else if (change.open) {
      const item = made("li", `alert ${change.name} new`);
      item.dataset.alert = change.id;
      const mark = made("span", "mark", change.sign);
      mark.setAttribute("aria-hidden", "true");
      const inside = made("div");
      const head = made("p", "head");
      head.append(badge(change));
      const title = made("h3");
      const link = made("a", "", change.title);
      link.href = `/alerts/${encodeURIComponent(change.id)}`;
      title.append(link);
      inside.append(head, title);
      item.append(mark, inside);
      list.querySelector(".calm")?.remove();
      list.prepend(item);
      flash(item);
    }
  };
  /* A step of an emergency: told on every page; on its own page and the list the reader is asked to update. One step comes once a unit. */
  let told = "";
  const onEmergency = (change) => {
    const said = `■ ${change.title}: ${change.did} (${change.at})`;
    if (said === told) return;
    told = said;
    announce(said);
    const link = news?.querySelector("a");
    if (link) link.href = `/emergency/${encodeURIComponent(change.id)}`;
  };
  const onMoved = (change) => {
    const here = [...document.querySelectorAll("[data-key]")].filter((e) => e.dataset.key === `moved:${change.indicator}`);
    here.forEach(flash);
    if (here.length && news?.hidden) announce(news.dataset.moved);
  };
  const source = new EventSource(address);
  source.addEventListener("state", (event) => say(JSON.parse(event.data).live));
  source.addEventListener("error", () => say(false));
  source.addEventListener("change", (event) => {
    const change = JSON.parse(event.data);
    if (change.kind === "alert") onAlert(change);
    else if (change.kind === "emergency") onEmergency(change);
    else if (change.kind === "moved") onMoved(change);
    else onValue(change);
  });
  window.addEventListener("pagehide", () => source.close());
})();
