// Resampling of 8-bit pixels as Pillow does it, bit for bit (its Resample.c and Reduce.c), so that a
// photo in the browser becomes the pixels that the model was trained on. An image here is
// {width, height, data}, three bytes a pixel.

const BITS = 22; // of a weight's fraction
const BICUBIC = -0.5;

const FILTERS = {
  // support, and the weight at a distance
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  bicubic: [2, (x) => {
    x = Math.abs(x);
    if (x < 1) return ((BICUBIC + 2) * x - (BICUBIC + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * BICUBIC : 0;
  }],
};

/** Which pixels each pixel of a resized line is the sum of, and their weights in 2**-BITS. */
function weightsOf(n, first, last, size, [support, filter]) {
  const scale = (last - first) / size;
  const widened = Math.max(scale, 1);
  const reach = support * widened;
  return Array.from({ length: size }, (_, i) => {
    const centre = first + (i + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const end = Math.min(Math.trunc(centre + reach + 0.5), n);
    const weights = new Float64Array(end - start);
    let sum = 0;
    for (let x = 0; x < weights.length; x++) {
      weights[x] = filter((x + start - centre + 0.5) * (1 / widened));
      sum += weights[x];
    }
    const rounded = weights.map((w) => {
      const share = (sum === 0 ? w : w / sum) * 2 ** BITS;
      return Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    });
    return [start, rounded];
  });
}

/** One pass: lines along an axis get another length. `step` and `line` are distances in bytes. */
function resampled(source, target, weights, nLines, [step, line], [stepOut, lineOut]) {
  for (let i = 0; i < weights.length; i++) {
    const [start, shares] = weights[i];
    for (let j = 0; j < nLines; j++) {
      const from = j * line + start * step;
      const to = j * lineOut + i * stepOut;
      for (let channel = 0; channel < 3; channel++) {
        let sum = 2 ** (BITS - 1);
        for (let x = 0; x < shares.length; x++) sum += source[from + x * step + channel] * shares[x];
        const value = sum >> BITS;
        target[to + channel] = value < 0 ? 0 : value > 255 ? 255 : value;
      }
    }
  }
}

/** The image at another size, as Image.resize(size, filter, box, reducing_gap).
 *
 * `tallFirst`: whether images that lose far more rows than columns lose rows first (Pillow 13). */
function resize(image, width, height, filter, box, gap, tallFirst) {
  let [left, top, right, bottom] = box;
  const factorX = Math.trunc((right - left) / width / gap) || 1;
  const factorY = Math.trunc((bottom - top) / height / gap) || 1;
  if (factorX > 1 || factorY > 1) {
    const reach = FILTERS[filter][0] - 0.5;
    const [x, y] = [(reach * (right - left)) / width, (reach * (bottom - top)) / height];
    const [x0, y0] = [Math.max(0, Math.trunc(left - x)), Math.max(0, Math.trunc(top - y))];
    const x1 = Math.min(image.width, Math.ceil(right + x));
    const y1 = Math.min(image.height, Math.ceil(bottom + y));
    image = reduced(image, factorX, factorY, [x0, y0, x1, y1]);
    left = (left - x0) / factorX;
    right = (right - x0) / factorX;
    top = (top - y0) / factorY;
    bottom = (bottom - y0) / factorY;
  }
  [left, top, right, bottom] = [left, top, right, bottom].map(Math.fround);
  const across = () => {
    if (width === image.width && left === 0 && right === width) return;
    const weights = weightsOf(image.width, left, right, width, FILTERS[filter]);
    const data = new Uint8Array(width * image.height * 3);
    resampled(image.data, data, weights, image.height, [3, image.width * 3], [3, width * 3]);
    image = { width, height: image.height, data };
  };
  const down = () => {
    if (height === image.height && top === 0 && bottom === height) return;
    const weights = weightsOf(image.height, top, bottom, height, FILTERS[filter]);
    const data = new Uint8Array(image.width * height * 3);
    const line = image.width * 3;
    resampled(image.data, data, weights, image.width, [line, 3], [line, 3]);
    image = { width: image.width, height, data };
  };
  const saved = image.height - height;
  const isTall = saved > 0 && saved > 2 * (image.width - width);
  const passes = tallFirst && isTall ? [down, across] : [across, down]; // each rounds to bytes
  passes.forEach((pass) => pass());
  return image;
}

/** The means of blocks of pixels within a box, as Image.reduce. */
function reduced(image, factorX, factorY, [left, top, right, bottom]) {
  const width = Math.ceil((right - left) / factorX);
  const height = Math.ceil((bottom - top) / factorY);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const y0 = top + y * factorY;
    const y1 = Math.min(y0 + factorY, bottom);
    for (let x = 0; x < width; x++) {
      const x0 = left + x * factorX;
      const x1 = Math.min(x0 + factorX, right);
      const n = (y1 - y0) * (x1 - x0);
      const factor = Math.floor(2 ** 24 / n);
      for (let channel = 0; channel < 3; channel++) {
        let sum = Math.trunc(n / 2);
        for (let v = y0; v < y1; v++) {
          for (let u = x0; u < x1; u++) sum += image.data[(v * image.width + u) * 3 + channel];
        }
        data[(y * width + x) * 3 + channel] = Math.floor((sum * factor) / 2 ** 24);
      }
    }
  }
  return { width, height, data };
}

/** What the model sees of an image: resized as it says, the middle square cut out. */
function seen(image, how, size) {
  const side = how.short_side;
  const [w, h] = [image.width, image.height];
  let box = [0, 0, w, h];
  let [width, height] = [side, side];
  if (how.mode === "border") {
    const scale = side / Math.max(w, h);
    [width, height] = [w, h].map((one) => Math.max(toEven(one * scale), 1));
  } else if (how.mode === "center") {
    const longest = how.max_aspect * Math.min(w, h);
    const [cutX, cutY] = [w, h].map((one) => Math.max(0, one - longest) / 2);
    box = [cutX, cutY, w - cutX, h - cutY];
    const scale = side / Math.min(w, h);
    width = Math.trunc((box[2] - box[0]) * scale + 0.5);
    height = Math.trunc((box[3] - box[1]) * scale + 0.5);
  }
  if (w !== width || h !== height || box[0] || box[1]) {
    image = resize(image, width, height, how.interpolation, box, how.gap, how.tall_first);
  }
  return how.mode === "border" ? cut(bordered(image, side, how.fill), size) : cut(image, size);
}

function toEven(x) {
  const low = Math.floor(x);
  return x - low === 0.5 ? low + (low % 2) : Math.round(x);
}

function bordered(image, side, fill) {
  const data = new Uint8Array(side * side * 3).map((_, i) => fill[i % 3]);
  const left = Math.floor((side - image.width) / 2);
  const top = Math.floor((side - image.height) / 2);
  for (let y = 0; y < image.height; y++) {
    const row = image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3);
    data.set(row, ((top + y) * side + left) * 3);
  }
  return { width: side, height: side, data };
}

function cut(image, size) {
  const top = Math.floor((image.height - size) / 2);
  const left = Math.floor((image.width - size) / 2);
  const data = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    const start = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(start, start + size * 3), y * size * 3);
  }
  return data;
}
