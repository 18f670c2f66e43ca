
const EVERY_MS = 15000;
const PARTS = ["facts", "figures"];
const state = document.getElementById("state");
const style = (page) => page.querySelector("style").textContent;

async function refresh() {
  if (document.hidden) return;
  try {
    const reply = await fetch(location.pathname, { cache: "no-store" });
    if (!reply.ok) throw new Error(reply.status);
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (style(fresh) !== style(document)) return location.reload();  // another version of the bridge
    const open = [...document.querySelectorAll("details[open]")].map((each) => each.id);
    const top = scrollY;
    const focused = document.activeElement.closest("details")?.id;
    for (const id of PARTS) document.getElementById(id).replaceWith(fresh.getElementById(id));
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused) document.getElementById(focused)?.querySelector("summary").focus({ preventScroll: true });
    scrollTo({ top, behavior: "instant" });
    if (state.textContent) state.textContent = "";
  } catch {
    const asOf = document.getElementById("as-of").textContent;
    state.textContent = `The bridge does not answer. These figures are of ${asOf}.`;
  }
}

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
