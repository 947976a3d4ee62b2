"use strict";
// Voxels of one event on two canvases that turn together. Nothing is fetched; text goes into the
// page as text alone.

// ---- arithmetic, which needs no page ---------------------------------------------------------

function unpacked(text, kind) {
  const raw = atob(text);
  const view = new DataView(new ArrayBuffer(raw.length));
  for (let i = 0; i < raw.length; i++) view.setUint8(i, raw.charCodeAt(i));
  const [size, get] = {
    u1: [1, "getUint8"], u2: [2, "getUint16"], f4: [4, "getFloat32"],
  }[kind];
  return Float32Array.from({ length: raw.length / size }, (_, i) => view[get](i * size, true));
}

// Right, up and towards the reader, of a camera at these angles; y is up.
function axesOf(turn, tilt) {
  const [s, c, t, u] = [Math.sin(turn), Math.cos(turn), Math.sin(tilt), Math.cos(tilt)];
  return [[c, 0, -s], [-s * t, u, -c * t], [s * u, t, c * u]];
}

// Places [x, y, z, ...] to x, y on a canvas (y down) and depth, around a centre.
function projected(places, centre, axes, scale, shift) {
  const count = places.length / 3;
  const flat = new Float32Array(places.length);
  const [r, p, t] = axes;
  for (let i = 0, k = 0; i < count; i++, k += 3) {
    const x = places[k] - centre[0], y = places[k + 1] - centre[1], z = places[k + 2] - centre[2];
    flat[k] = shift[0] + scale * (r[0] * x + r[1] * y + r[2] * z);
    flat[k + 1] = shift[1] - scale * (p[0] * x + p[1] * y + p[2] * z);
    flat[k + 2] = t[0] * x + t[1] * y + t[2] * z;
  }
  return flat;
}

// Far ones first, so that near ones are drawn over them.
function fromFarToNear(flat) {
  const order = new Uint32Array(flat.length / 3);
  for (let i = 0; i < order.length; i++) order[i] = i;
  return order.sort((a, b) => flat[3 * a + 2] - flat[3 * b + 2]);
}

// Smallest box around places: its lower corner, its middle, its size.
function boxOf(places) {
  const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < places.length; i++) {
    low[i % 3] = Math.min(low[i % 3], places[i]);
    high[i % 3] = Math.max(high[i % 3], places[i] + 1);
  }
  if (!places.length) return { low: [0, 0, 0], centre: [0, 0, 0], size: [1, 1, 1] };
  return {
    low, centre: low.map((v, k) => (v + high[k]) / 2), size: low.map((v, k) => high[k] - v),
  };
}

// Dark blue over red to yellow, for shares from 0 to 1.
function heat(share) {
  const v = Math.max(0, Math.min(1, share));
  const stops = [[13, 8, 135], [126, 3, 168], [204, 71, 120], [248, 149, 64], [240, 249, 33]];
  const k = Math.min(3, Math.floor(v * 4)), f = v * 4 - k;
  return `rgb(${stops[k].map((a, i) => Math.round(a + f * (stops[k + 1][i] - a))).join()})`;
}

function clusterColour(number) {
  if (number === 65535) return "#d9d9d9";
  return `hsl(${(number * 137.508) % 360}, ${60 + (number % 3) * 15}%, ${38 + (number % 4) * 7}%)`;
}

// ---- the page --------------------------------------------------------------------------------

function start(event) {
  const find = (id) => document.getElementById(id);
  const places = unpacked(event.place, "u2"), energy = unpacked(event.energy, "f4");
  const middles = places.map((v) => v + 0.5), box = boxOf(places);
  const views = event.views.map((view) => ({
    ...view,
    semantic: unpacked(view.semantic, "u1"),
    clusters: new Map(Object.entries(view.clusters).map(([kind, t]) => [kind, unpacked(t, "u2")])),
    points: Float32Array.from(view.points.flat()),
  }));
  const sorted = Float32Array.from(energy).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const low = Math.log(Math.max(at(0.01) || 0.01, 1e-3));
  const high = Math.max(Math.log(Math.max(at(0.99) || 1, 1e-3)), low + 0.1);
  const heats = Array.from({ length: 64 }, (_, i) => heat(i / 63));
  const hidden = new Set();
  for (const mode of [...event.by, "energy"]) find("colour").add(new Option(mode, mode));
  const camera = { turn: -0.6, tilt: 0.4, zoom: 1, shift: [0, 0] };
  const panels = [...document.querySelectorAll(".panel")].map((node, number) => {
    const select = node.querySelector("select");
    views.forEach((view, i) => select.add(new Option(view.name, i)));
    select.value = Math.min(number, views.length - 1);
    return { node, select, canvas: node.querySelector("canvas"), flat: null, side: 1 };
  });
  let waiting = false;

  function colourOf(mode, view, i) {
    if (mode === "energy") {
      const share = (Math.log(Math.max(energy[i], 1e-3)) - low) / (high - low);
      return heats[Math.max(0, Math.min(63, Math.round(share * 63)))];
    }
    if (mode === "class") return event.colours[view.semantic[i]];
    return clusterColour(view.clusters.has(mode) ? view.clusters.get(mode)[i] : 65535);
  }

  function draw(panel) {
    const { canvas } = panel, ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
    const view = views[panel.select.value];
    const axes = axesOf(camera.turn, camera.tilt);
    const scale = camera.zoom * 0.92 * Math.min(width, height) / Math.hypot(...box.size);
    const shift = [width / 2 + camera.shift[0], height / 2 + camera.shift[1]];
    const turned = (some) => projected(some, box.centre, axes, scale, shift);
    drawBox(pen, turned);
    const flat = turned(middles), side = Math.max(1.2, find("size").value * scale);
    const half = side / 2, mode = find("colour").value;
    for (const i of fromFarToNear(flat)) {
      if (hidden.has(view.semantic[i])) continue;
      pen.fillStyle = colourOf(mode, view, i);
      pen.fillRect(flat[3 * i] - half, flat[3 * i + 1] - half, side, side);
    }
    if (find("points").checked) drawPoints(pen, view, turned(view.points));
    Object.assign(panel, { flat, view, side });
  }

  function drawBox(pen, turned) {
    const corners = [];
    for (let c = 0; c < 8; c++) {
      for (let k = 0; k < 3; k++) corners.push(box.low[k] + (c >> k & 1) * box.size[k]);
    }
    const flat = turned(Float32Array.from(corners));
    pen.strokeStyle = "#c9ced6";
    pen.fillStyle = "#5b6675";
    pen.font = "12px sans-serif";
    for (let c = 0; c < 8; c++) {
      for (let k = 0; k < 3; k++) {
        const d = c | 1 << k;
        if (d === c) continue;
        pen.beginPath();
        pen.moveTo(flat[3 * c], flat[3 * c + 1]);
        pen.lineTo(flat[3 * d], flat[3 * d + 1]);
        pen.stroke();
        if (c === 0) pen.fillText("xyz"[k], flat[3 * d] + 3, flat[3 * d + 1] - 3);
      }
    }
  }

  function drawPoints(pen, view, flat) {
    const michel = event.classes.indexOf("michel");
    pen.strokeStyle = "#000";
    for (let i = 0; i < flat.length / 3; i++) {
      if (hidden.has(view.point_semantic[i])) continue;
      const x = flat[3 * i], y = flat[3 * i + 1];
      pen.fillStyle = event.colours[view.point_semantic[i]];
      pen.beginPath();
      if (view.point_semantic[i] === michel) {
        for (let k = 0; k < 10; k++) {
          const r = k % 2 ? 3.2 : 8, a = Math.PI * (k / 5 - 0.5);
          pen.lineTo(x + r * Math.cos(a), y + r * Math.sin(a));
        }
      } else if (view.point_end[i]) pen.rect(x - 4, y - 4, 8, 8);
      else {
        pen.moveTo(x, y - 6); pen.lineTo(x + 5.5, y + 4); pen.lineTo(x - 5.5, y + 4);
      }
      pen.closePath();
      pen.fill();
      pen.stroke();
    }
  }

  function redraw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      find("heat").hidden = find("colour").value !== "energy";
      panels.forEach((panel, number) => {
        panel.node.style.display = number && !find("both").checked ? "none" : "";
        draw(panel);
      });
    });
  }

  function tell(panel, x, y) {
    let best = -1, least = 64;
    for (let i = 0; panel.flat && i < energy.length; i++) {
      if (hidden.has(panel.view.semantic[i])) continue;
      const far = (panel.flat[3 * i] - x) ** 2 + (panel.flat[3 * i + 1] - y) ** 2;
      if (far < least || far === least && panel.flat[3 * i + 2] > panel.flat[3 * best + 2]) {
        [best, least] = [i, far];
      }
    }
    if (best < 0) { find("told").textContent = about; return; }
    const [vx, vy, vz] = places.slice(3 * best, 3 * best + 3);
    const said = views.map((view) => {
      const held = [...view.clusters].filter(([, number]) => number[best] !== 65535)
        .map(([kind, number]) => `, ${kind} ${number[best]}`).join("");
      return `${view.name}: ${event.classes[view.semantic[best]]}${held}`;
    });
    find("told").textContent =
      `voxel (${vx}, ${vy}, ${vz}), ${energy[best].toFixed(2)} MeV; ${said.join("; ")}`;
  }

  const shown = energy.length;
  const about = `${event.grid.name}: ${shown.toLocaleString("en")} voxels of `
    + `${event.grid.voxel_mm} mm`
    + (shown < event.voxels ? `, those of most energy of ${event.voxels.toLocaleString("en")}` : "")
    + ". Drag: turn; with shift or two fingers: move; wheel or + and -: zoom.";
  find("told").textContent = about;

  event.classes.forEach((name, number) => {
    if (!views.some((view) => view.semantic.includes(number))) return;
    const button = document.createElement("button"), mark = document.createElement("i");
    mark.style.background = event.colours[number];
    button.type = "button";
    button.append(mark, name);
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      if (!hidden.delete(number)) hidden.add(number);
      button.setAttribute("aria-pressed", String(!hidden.has(number)));
      redraw();
    });
    find("legend").append(button);
  });

  const bar = document.createElement("i");
  bar.style.background = `linear-gradient(to right, ${heats.join()})`;
  find("heat").append(
    `energy: ${Math.exp(low).toPrecision(2)} MeV `, bar, ` ${Math.exp(high).toPrecision(2)} MeV`);

  for (const panel of panels) {
    const { canvas } = panel, fingers = new Map();
    panel.select.addEventListener("change", redraw);
    canvas.addEventListener("pointerdown", (e) => {
      canvas.setPointerCapture(e.pointerId);
      fingers.set(e.pointerId, [e.clientX, e.clientY]);
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(kind, (e) => fingers.delete(e.pointerId));
    }
    canvas.addEventListener("pointermove", (e) => {
      const before = fingers.get(e.pointerId);
      if (!before) { tell(panel, e.offsetX, e.offsetY); return; }
      const spread = () => {
        const [a, b] = [...fingers.values()];
        return b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 1;
      };
      const [dx, dy] = [e.clientX - before[0], e.clientY - before[1]], was = spread();
      fingers.set(e.pointerId, [e.clientX, e.clientY]);
      if (fingers.size > 1 || e.shiftKey) {
        camera.shift = [camera.shift[0] + dx / fingers.size, camera.shift[1] + dy / fingers.size];
        zoom(spread() / Math.max(was, 1));
      } else turn(dx * 0.01, dy * 0.01);
    });
    canvas.addEventListener("wheel", (e) => {
      e.preventDefault();
      zoom(Math.exp(-e.deltaY * 0.0012));
    }, { passive: false });
    canvas.addEventListener("keydown", (e) => {
      const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1],
        ArrowDown: [0, 0.1] }[e.key];
      if (step) { e.preventDefault(); turn(...step); }
      if (e.key === "+") zoom(1.15);
      if (e.key === "-") zoom(1 / 1.15);
    });
  }

  function turn(by, up) {
    camera.turn -= by;
    camera.tilt = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, camera.tilt + up));
    redraw();
  }

  function zoom(factor) {
    camera.zoom = Math.max(0.2, Math.min(60, camera.zoom * factor));
    redraw();
  }

  const looks = { xy: [0, 0], zy: [-Math.PI / 2, 0], space: [-0.6, 0.4] };
  for (const [id, [turned, tilt]] of Object.entries(looks)) {
    find(id).addEventListener("click", () => {
      Object.assign(camera, { turn: turned, tilt, zoom: 1, shift: [0, 0] });
      redraw();
    });
  }
  for (const id of ["colour", "size", "points", "both"]) {
    find(id).addEventListener("input", redraw);
  }
  find("both").checked = views.length > 1;
  window.addEventListener("resize", redraw);
  redraw();
}

if (typeof document !== "undefined") {
  start(JSON.parse(document.getElementById("data").textContent));
}
