// Events from the server. A stream that breaks goes on where it stopped.

export class Stream {
  constructor({ onMessage, onReady, onAfresh, onConnection }) {
    Object.assign(this, { onMessage, onReady, onAfresh, onConnection });
    this.since = 0;
    this.query = "";
    this.source = null;
    this.trouble = 0;
  }

  open(query) {
    this.query = query;
    this.reopen();
  }

  reopen() {
    clearTimeout(this.again);
    this.source?.close();
    const source = new EventSource(`/events?${this.query}${this.query ? "&" : ""}since=${this.since}`);
    this.source = source;
    source.onopen = () => this.connected(true);
    source.onmessage = (event) => {
      this.since = Number(event.lastEventId);
      this.onMessage(JSON.parse(event.data));
    };
    source.addEventListener("ready", () => this.onReady());
    source.addEventListener("afresh", () => {
      this.since = 0;
      this.onAfresh();
    });
    source.onerror = () => {
      this.connected(false);
      if (source.readyState === EventSource.CLOSED) this.again = setTimeout(() => this.reopen(), 2000);
    };
  }

  connected(yes) {
    clearTimeout(this.trouble);
    // A short break is no news to anybody.
    if (yes) this.onConnection(true);
    else this.trouble = setTimeout(() => this.onConnection(false), 2500);
  }
}

export async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const data = await answer.json().catch(() => ({}));
  return { ok: answer.ok, status: answer.status, data };
}

// Sends what people write, one after the other for each place, until it has arrived or was refused.
export class Sending {
  constructor({ onFate }) {
    this.onFate = onFate;
    this.queues = new Map();
  }

  put(key, path, body) {
    const before = this.queues.get(key) ?? Promise.resolve();
    const done = before.then(() => this.deliver(path, body));
    this.queues.set(key, done);
    return done;
  }

  async deliver(path, body) {
    for (let attempt = 0; ; attempt += 1) {
      let answer = null;
      try {
        answer = await post(path, body);
      } catch {
        // No connection: try again below.
      }
      if (answer?.ok) return this.onFate(body.id, "stored");
      const sentence = answer?.data?.error;
      if (answer && answer.status < 500 && answer.status !== 429) return this.onFate(body.id, "failed", sentence);
      this.onFate(body.id, "waiting", sentence);
      const pause = Math.min(1000 * 1.7 ** attempt, 15000);
      await new Promise((go) => {
        setTimeout(go, pause);
      });
    }
  }
}
