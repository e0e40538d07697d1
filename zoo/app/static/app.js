// The model in the page: opened once, asked with the form's values, and what it says shown.

const content = (id) => document.getElementById(id).textContent;
const facts = JSON.parse(content("facts"));

/** The bytes of a part of the page, which are gzipped and in base64. */
async function opened(id) {
  const text = content(id);
  const packed = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function started() {
  const [code, wasm, model] = await Promise.all(["bundle", "wasm", "model"].map(opened));
  const ort = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = wasm.buffer;
  ort.env.logLevel = "error";
  return [ort, await ort.InferenceSession.create(model)];
}

const ready = started();

/** The upright pixels of a photo, on white where it is transparent. */
async function pixelsOf(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0, j = 0; j < data.length; i += 4) {
    const alpha = rgba[i + 3];
    for (let channel = 0; channel < 3; channel++) {
      data[j++] = alpha === 255 ? rgba[i + channel] : Math.round((rgba[i + channel] * alpha) / 255 + 255 - alpha);
    }
  }
  return { width, height, data };
}

const DAY = 86400000; // ms
const numberOf = (value) => (value === null ? NaN : Number(value));

/** The model's inputs from a field's value, by name. */
const TENSORS = {
  async photo(ort, field, file) {
    if (!file) throw new Error("An answer must be about something: drop a photo first.");
    const side = facts.size;
    const pixels = seen(await pixelsOf(file), facts.resize, side);
    return { photos: new ort.Tensor("uint8", pixels, [1, side, side, 3]) };
  },
  choice: (ort, field, place) => ({
    [field.name]: new ort.Tensor("string", [place === null ? "" : field.choices[place]], [1, 1]),
  }),
  number: (ort, field, value) => ({
    [field.name]: new ort.Tensor("float64", [numberOf(value)], [1, 1]),
  }),
  date: (ort, field, day) => ({
    [field.name]: new ort.Tensor("float64", [day === null ? NaN : Date.parse(day) / DAY], [1, 1]),
  }),
  ratings(ort, field, places) {
    if (!places.length) throw new Error("An answer must be about somebody: add an item first.");
    const chosen = places.map((place) => field.choices[place]);
    const texts = (list) => new ort.Tensor("string", list, [list.length]);
    return { chosen: texts(chosen), user: texts([]), item: texts([]) }; // no pairs to rate
  },
};

/** What the model says of the values of the fields: a headline, shares of classes, a list. */
async function answer(values) {
  const [ort, session] = await ready;
  const each = await Promise.all(facts.fields.map((field, i) => TENSORS[field.kind](ort, field, values[i])));
  const all = Object.assign({}, ...each);
  const outputs = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, all[name]])));
  if (outputs.scores) return listOf(outputs.scores.data, values[0]);
  if (!outputs.probabilities) {
    const numbers = session.outputNames.map((name) => [name, Number(outputs[name].data[0])]);
    const [[, first]] = numbers;
    const short = numbers.map(([name, number]) => `${name} ${Number(number.toPrecision(6))}`);
    return { headline: numbers.length > 1 ? short.join(", ") : `${Number(first.toPrecision(6))}`, numbers };
  }
  const shares = facts.classes.map((name, i) => [name, outputs.probabilities.data[i]]);
  const labels = facts.task === "multi-label" ? shares.filter(([, share], i) => share >= facts.thresholds[i]) : [shares.reduce((best, one) => (one[1] > best[1] ? one : best))];
  return { headline: labels.map(([name]) => name).join(", ") || "no label", shares };
}

const LENGTH = 10; // of a list

/** The best items by their scores, without those that the visitor has chosen. */
function listOf(scores, chosen) {
  const names = facts.fields[0].shown;
  const places = names.map((_, place) => place).filter((place) => !chosen.includes(place));
  places.sort((a, b) => scores[b] - scores[a]);
  const rows = places.slice(0, LENGTH).map((place) => [names[place], scores[place].toFixed(3)]);
  return { headline: rows.length ? rows[0][0] : "nothing left", rows };
}

function show(reply) {
  document.getElementById("headline").textContent = reply.headline;
  const bars = (reply.shares ?? []).toSorted((a, b) => b[1] - a[1]).slice(0, LENGTH).map(([name, share]) =>
    element("div", { className: "share" }, element("span", {}, name), element("progress", { value: share }), element("span", {}, `${(100 * share).toFixed(1)} %`)));
  const rows = (reply.rows ?? []).map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell))));
  document.getElementById("reply").replaceChildren(...bars, element("table", {}, ...rows));
}

async function ask() {
  const place = document.getElementById("headline");
  place.textContent = "…";
  try {
    show(await answer(read()));
  } catch (error) {
    place.textContent = error.message;
  }
}

const [elements, read] = form(facts.fields, ask);
document.getElementById("form").prepend(...elements);
document.getElementById("answer").onclick = ask;
const pixels = async (file) => [...seen(await pixelsOf(file), facts.resize, facts.size)];
window.zoo = { answer, facts, pixels };
