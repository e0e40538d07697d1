// The form: an element for each field of the model's interface, and how its value is read.

function element(tag, properties = {}, ...children) {
  const one = Object.assign(document.createElement(tag), properties);
  one.append(...children);
  return one;
}

const WIDGETS = {
  photo(field, changed) {
    const input = element("input", { type: "file", accept: "image/*" });
    const picture = element("img", { alt: "" });
    const zone = element("label", { className: "drop" }, "Drop a photo here, or choose one", input, picture);
    let file = null;
    const take = (one) => {
      if (!one) return;
      file = one;
      picture.src = URL.createObjectURL(one);
      changed();
    };
    input.onchange = () => take(input.files[0]);
    zone.ondragover = (event) => event.preventDefault();
    zone.ondrop = (event) => {
      event.preventDefault();
      take(event.dataTransfer.files[0]);
    };
    return [zone, () => file];
  },

  choice(field) {
    const options = field.shown.map((text, i) => element("option", { value: i }, text));
    const select = element("select", {}, element("option", { value: "" }), ...options);
    select.value = field.start ?? "";
    return [select, () => (select.value === "" ? null : Number(select.value))];
  },

  number(field) {
    const input = element("input", { type: "number", step: "any", value: field.start ?? "" });
    return [input, () => (input.value === "" ? null : Number(input.value))];
  },

  date(field) {
    const input = element("input", { type: "date", value: field.start ?? "" });
    return [input, () => input.value || null];
  },

  ratings(field) {
    const options = field.shown.map((text) => element("option", { value: text }));
    const names = element("datalist", { id: "names" }, ...options);
    const item = element("input", { placeholder: "something that you like" });
    item.setAttribute("list", names.id);
    const list = element("ul");
    const chosen = new Set();
    const show = () => {
      list.replaceChildren(...[...chosen].map((place) => element("li", {}, field.shown[place])));
      item.value = "";
    };
    const add = () => {
      const place = field.shown.indexOf(item.value);
      if (place >= 0) chosen.add(place);
      show();
    };
    const clear = () => {
      chosen.clear();
      show();
    };
    const buttons = [
      element("button", { type: "button", id: "add", onclick: add }, "Add"),
      element("button", { type: "button", onclick: clear }, "Begin anew"),
    ];
    return [element("div", {}, item, ...buttons, names, list), () => [...chosen]];
  },
};

/** The elements of all fields, and a function that reads their values in order. */
function form(fields, changed) {
  const parts = fields.map((field) => {
    const [widget, read] = WIDGETS[field.kind](field, changed);
    const usual = field.kind === "number" && field.usual;
    const hint = usual ? ` usually ${field.usual[0]} to ${field.usual[1]} ${field.unit}` : "";
    const title = element("span", {}, field.name, element("small", {}, hint));
    return [element("div", { className: "field" }, title, widget), read];
  });
  return [parts.map(([one]) => one), () => parts.map(([, read]) => read())];
}
