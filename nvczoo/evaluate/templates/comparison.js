"use strict";
const at = (id) => document.getElementById(id);
const data = JSON.parse(at("data").textContent);
const pictures = JSON.parse(at("pictures").textContent);
const ORIGINAL = "original", GAIN = 4, STYLES = 8, ENLARGED = 4;
const NOTES = {
  slider: "",
  difference: "Absolute difference from the original, " + GAIN + " times as strong.",
  motion: "Hue is the direction, fullness the speed; white does not move. Only models of nvczoo tell it.",
  bits: "From black, no bits, to yellow, the most of this frame. Only models of nvczoo tell it.",
};

function fill(id, entries, chosen) {
  const before = at(id).value;
  at(id).replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
  const values = entries.map(([value]) => String(value));
  at(id).value = values.includes(before) ? before : values.includes(String(chosen)) ? chosen : values[0];
}

const sequence = () => data.sequences[Number(at("sequence").value)];
const nameOf = (point) => point.codec + ", " + point.point;

function showPlot() {
  for (const figure of at("plots").children) {
    const mine = figure.dataset.sequence === at("sequence").value && figure.dataset.metric === at("metric").value;
    figure.hidden = !mine;
  }
}

function showSequence() {
  const names = { psnr_611: "PSNR 6:1:1", psnr_y: "PSNR Y", psnr_u: "PSNR U", psnr_v: "PSNR V",
    ms_ssim: "MS-SSIM", psnr_rgb: "PSNR RGB", vmaf: "VMAF" };
  const mine = [...at("plots").children].filter((one) => one.dataset.sequence === at("sequence").value);
  fill("metric", mine.map((one) => [one.dataset.metric, names[one.dataset.metric]]));
  showPlot();
  const shown = sequence().points.map((point, number) => [number, point]).filter(([, one]) => pictureOf(one, "decoded"));
  at("frames").hidden = shown.length === 0;
  if (shown.length) {
    const choices = shown.map(([number, point]) => [number, nameOf(point)]);
    const originals = pictureOf(shown[0][1], ORIGINAL) ? [[ORIGINAL, ORIGINAL]] : [];
    const middle = choices[Math.floor((choices.filter(([n]) => sequence().points[n].codec === shown[0][1].codec).length - 1) / 2)];
    fill("left", [...originals, ...choices], middle[0]);
    fill("right", [...originals, ...choices], originals.length ? ORIGINAL : choices[choices.length - 1][0]);
    at("compare").style.aspectRatio = sequence().width + " / " + sequence().height;
    at("compare").style.maxWidth = "min(" + ENLARGED * sequence().width + "px, calc(85vh * " +
      sequence().width + " / " + sequence().height + "))";
    showFrames();
  }
  const timed = sequence().points.map((point, number) => [number, point]).filter(([, one]) => one.bits);
  at("time").hidden = timed.length === 0;
  if (timed.length) {
    fill("timed", timed.map(([number, point]) => [number, nameOf(point)]), at("left").value);
    showTime();
  }
}

function pictureOf(point, kind) {
  const number = (point.pictures || {})[kind];
  return number === undefined ? null : pictures[number];
}

function chosen(side) {
  const value = at(side).value;
  if (value !== ORIGINAL) return sequence().points[Number(value)];
  return sequence().points.find((one) => pictureOf(one, ORIGINAL));
}

function showFrames() {
  const view = at("view").value;
  at("view-note").textContent = NOTES[view];
  for (const side of ["left", "right"]) {
    const point = chosen(side), original = at(side).value === ORIGINAL;
    const kind = original ? ORIGINAL : view === "motion" || view === "bits" ? view : "decoded";
    const source = pictureOf(point, kind) || pictureOf(point, original ? ORIGINAL : "decoded");
    const difference = view === "difference" && !original;
    at(side + "-image").hidden = difference;
    at(side + "-canvas").hidden = !difference;
    if (difference) drawDifference(at(side + "-canvas"), pictureOf(point, ORIGINAL), source);
    at(side + "-image").src = source;
    at(side + "-image").alt = original ? ORIGINAL : nameOf(point);
    const frame = sequence().still === undefined ? "" : ", frame " + sequence().still;
    at(side + "-caption").textContent = original ? ORIGINAL + frame : nameOf(point) + ": " + point.caption;
  }
}

async function drawDifference(canvas, original, decoded) {
  canvas.wanted = decoded; // another may be wanted before this one is decoded
  const loaded = await Promise.all([original, decoded].map((source) => {
    const image = new Image();
    image.src = source;
    return image.decode().then(() => image);
  }));
  if (canvas.wanted !== decoded) return;
  const [width, height] = [loaded[0].naturalWidth, loaded[0].naturalHeight];
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const [mine, theirs] = loaded.map((image) => {
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, width, height);
  });
  for (let i = 0; i < mine.data.length; i++) {
    if (i % 4 !== 3) mine.data[i] = Math.abs(mine.data[i] - theirs.data[i]) * GAIN;
  }
  context.putImageData(mine, 0, 0);
}

const SVG = "http://www.w3.org/2000/svg";
function shape(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const kilobits = (bits) => (bits / 1000).toFixed(bits === 0 ? 0 : bits < 10000 ? 2 : 1) + " kbit";

function showTime() {
  const point = sequence().points[Number(at("timed").value)];
  const count = point.bits.length, most = Math.max(...point.bits, 1);
  const parts = Object.keys(point.parts).length ? point.parts : { "all bits": point.bits };
  const names = Object.keys(parts);
  at("part-legend").replaceChildren(...names.map((name, style) => {
    const item = document.createElement("li"), mark = shape("svg", { viewBox: "-8 -8 16 16" });
    item.className = "curve style-" + (style % STYLES);
    mark.append(shape("path", { d: "M-6-6H6V6H-6z" }));
    item.append(mark, name);
    return item;
  }));
  // As wide as it is shown, so that text keeps its size on a phone.
  const width = Math.max(320, at("timeline").clientWidth);
  const [height, left, top, bottom, split] = [330, 76, 12, 28, 200];
  const step = (width - left) / count;
  const svg = shape("svg", { viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": "Bits and PSNR of each frame" });
  const low = Math.floor(Math.min(...point.psnr)), high = Math.max(Math.ceil(Math.max(...point.psnr)), low + 1);
  const psnrAt = (value) => split + 20 + (1 - (value - low) / (high - low)) * (height - bottom - split - 20);
  for (const share of [0, 0.5, 1]) {
    const y = top + (1 - share) * (split - top);
    svg.append(shape("path", { class: "grid", d: "M" + left + " " + y + "H" + width }));
    svg.append(shape("text", { class: "tick", x: left - 6, y: y + 4, "text-anchor": "end" }, kilobits(most * share)));
  }
  for (const value of [low, high]) {
    svg.append(shape("path", { class: "grid", d: "M" + left + " " + psnrAt(value) + "H" + width }));
    svg.append(shape("text", { class: "tick", x: left - 6, y: psnrAt(value) + 4, "text-anchor": "end" }, value + " dB"));
  }
  for (let frame = 0; frame < count; frame++) {
    let used = 0;
    const column = shape("g", { class: "frame" });
    names.forEach((name, style) => {
      const size = (parts[name][frame] / most) * (split - top);
      used += size;
      column.append(shape("rect", { class: "curve style-" + (style % STYLES), x: left + frame * step + step * 0.1,
        y: split - used, width: step * 0.8, height: Math.max(size, 0) }));
    });
    column.append(shape("rect", { x: left + frame * step, y: top, width: step, height: height - bottom - top, fill: "transparent" }));
    const told = names.map((name) => name + " " + kilobits(parts[name][frame])).join("; ");
    column.append(shape("desc", {}, "frame " + frame + ": " + kilobits(point.bits[frame]) + ", " + point.psnr[frame].toFixed(2) + " dB. " + told));
    svg.append(column);
  }
  const line = point.psnr.map((value, frame) => (left + (frame + 0.5) * step).toFixed(1) + " " + psnrAt(value).toFixed(1));
  svg.append(shape("path", { class: "line", d: "M" + line.join("L"), "pointer-events": "none" }));
  const every = Math.max(1, Math.ceil((count * 50) / (width - left)));
  for (let frame = 0; frame < count; frame += every) {
    svg.append(shape("text", { class: "tick", x: left + (frame + 0.5) * step, y: height - 8, "text-anchor": "middle" }, frame));
  }
  at("timeline").replaceChildren(svg);
}

function tell(text, event) {
  at("tip").hidden = !text;
  if (!text) return;
  at("tip").textContent = text;
  const box = at("tip").getBoundingClientRect();
  at("tip").style.left = Math.max(8, Math.min(event.clientX + 14, innerWidth - box.width - 8)) + "px";
  at("tip").style.top = Math.max(8, event.clientY - box.height - 14) + "px";
}

const NEAR = 40; // pixels
function hoverPlot(event) {
  let best = null, least = NEAR;
  for (const mark of at("plots").querySelectorAll("figure:not([hidden]) g[transform]")) {
    mark.classList.remove("near");
    const box = mark.getBoundingClientRect();
    const distance = Math.hypot(box.x + box.width / 2 - event.clientX, box.y + box.height / 2 - event.clientY);
    if (distance < least) [best, least] = [mark, distance];
  }
  if (best) best.classList.add("near");
  tell(best ? best.querySelector("desc").textContent : "", event);
}

function hoverTime(event) {
  const column = event.target.closest ? event.target.closest("g.frame") : null;
  tell(column ? column.querySelector("desc").textContent : "", event);
}

// A title would be shown by the browser as well, on top of ours.
for (const title of at("plots").querySelectorAll("title")) title.replaceWith(shape("desc", {}, title.textContent));
for (const [id, hover] of [["plots", hoverPlot], ["timeline", hoverTime]]) {
  for (const kind of ["pointermove", "pointerdown"]) at(id).addEventListener(kind, hover);
  at(id).addEventListener("pointerleave", (event) => tell("", event));
}
addEventListener("resize", () => at("time").hidden || showTime());
fill("sequence", data.sequences.map((one, number) => [number, one.name]), 0);
at("sequence").addEventListener("change", showSequence);
at("metric").addEventListener("change", showPlot);
for (const id of ["left", "right", "view"]) at(id).addEventListener("change", showFrames);
at("timed").addEventListener("change", showTime);
at("cut").addEventListener("input", () => at("compare").style.setProperty("--cut", at("cut").value + "%"));
showSequence();
document.documentElement.dataset.ready = "yes";
