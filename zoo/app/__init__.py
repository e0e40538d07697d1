"""A model as one HTML file that answers without a server: `zoo app MODEL --out app.html`."""
