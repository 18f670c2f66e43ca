"""What can be checked of a page's accessibility by a program, after WCAG 2.2 AA; run inside the browser."""

from typing import Any

from playwright.sync_api import Page

_CHECKS = """
() => {
  const found = [];
  const say = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const name = (element) => element.getAttribute("aria-label")
    || document.getElementById(element.getAttribute("aria-labelledby"))?.textContent
    || element.textContent.trim();
  if (!document.documentElement.lang) found.push("no language");
  if (!document.title) found.push("no title");
  for (const [selector, wanted] of [["body > header", 1], ["main", 1], ["body > footer", 1], ["h1", 1]])
    if (all(selector).length !== wanted) found.push(`${all(selector).length} of ${selector}`);
  let level = 0;
  for (const heading of all("h1, h2, h3, h4, h5, h6")) {
    const its = Number(heading.tagName[1]);
    if (its > level + 1) say("heading skips a level", heading);
    if (!heading.textContent.trim()) say("empty heading", heading);
    level = its;
  }
  for (const section of all("section"))
    if (!section.getAttribute("aria-labelledby") || !name(section)) say("unnamed", section);
  for (const picture of all("svg"))
    if (picture.getAttribute("aria-hidden") !== "true" && !(picture.getAttribute("role") === "img" && name(picture)))
      say("picture without words", picture);
  for (const table of all("table")) {
    if (!table.caption || !table.caption.textContent.trim()) say("table without caption", table);
    if (!table.querySelector("thead th[scope=col]")) say("table without column heads", table);
    for (const row of table.tBodies[0].rows) if (!row.querySelector("th[scope=row]")) say("row without head", row);
  }
  for (const link of all("a, button, summary")) {
    if (!name(link)) say("control without a name", link);
    const box = link.getBoundingClientRect();
    if (link.tagName === "SUMMARY" && box.height > 0 && box.height < 24) say("too small to hit", link);
  }
  const ids = all("[id]").map((element) => element.id);
  for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) found.push(`id twice: ${id}`);
  for (const part of all("[tabindex]")) if (Number(part.getAttribute("tabindex")) > 0) say("tab order forced", part);
  for (const details of all("figure svg")) if (details.closest("section").querySelector("table") === null)
    say("plot without a table", details);
  return found;
}
"""

_CONTRAST = """
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
  const behind = (element) => {
    if (!element) return [1, 1, 1];
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, behind(element.parentElement));
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || element.closest("script, title, noscript, .away")) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const inPicture = element instanceof SVGElement;
    const ground = behind(element);
    const ink = over(rgba(inPicture ? style.fill : style.color), ground);
    const [high, low] = [luminance(ink), luminance(ground)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)}: ${element.outerHTML.slice(0, 120)}`);
  }
  return found;
}
"""

_LETTERS = """
() => [...document.querySelectorAll("svg text")].map((text) => {
  const box = text.ownerSVGElement;
  return parseFloat(getComputedStyle(text).fontSize) * box.getBoundingClientRect().width / box.viewBox.baseVal.width;
})
"""

_STICKING_OUT = """
() => [...document.body.querySelectorAll("*")].filter((element) => element.checkVisibility())
  .filter((element) => !element.closest(".away"))
  .filter((element) => {
    const card = element.closest("section")?.getBoundingClientRect().right ?? innerWidth;
    return element.getBoundingClientRect().right > Math.min(card, innerWidth) + 1;
  })
  .map((element) => element.outerHTML.slice(0, 120))
"""


def flaws(page: Page) -> list[str]:
    """Landmarks, headings, names, tables; colours of every text against what is behind it."""
    found: list[str] = page.evaluate(_CHECKS) + page.evaluate(_CONTRAST)
    return found


def letters_px(page: Page) -> list[float]:
    """How high the letters of its pictures are on the screen, CSS pixels of font size."""
    sizes: list[float] = page.evaluate(_LETTERS)
    return sizes


def sticking_out(page: Page) -> list[Any]:
    """What is wider than the screen, or than the card it is in."""
    wide: list[Any] = page.evaluate(_STICKING_OUT)
    if page.evaluate("document.scrollingElement.scrollWidth > innerWidth"):
        wide.append("the page scrolls sideways")
    return wide
