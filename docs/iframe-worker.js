// The search runs in a worker, and a browser lets no page that lies on a disk start one. There it runs in a frame instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inner = frame.contentWindow;
      inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const script = inner.document.createElement("script");
      script.src = url;
      this.inner = new Promise((ready) => script.addEventListener("load", () => ready(inner)));
      inner.document.body.append(script);
    }

    async postMessage(data) {
      const inner = await this.inner;
      inner.dispatchEvent(new MessageEvent("message", { data }));
    }
  };
}
