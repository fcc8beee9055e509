// What the library keeps, in memory: sessions, grants, tokens. It looks at their time itself, here they are only
// swept away.

const SWEEP_MS = 60_000;

export class Store {
  #rows = new Map();

  constructor() {
    setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  /** For the library: what keeps the rows of one of its models. */
  adapter = (model) => ({
    upsert: async (id, payload, seconds) => {
      this.#rows.set(`${model}:${id}`, { model, payload, until: seconds ? Date.now() + seconds * 1000 : Infinity });
    },
    find: async (id) => this.#rows.get(`${model}:${id}`)?.payload,
    findByUid: async (uid) => this.#of(model).find((payload) => payload.uid === uid),
    consume: async (id) => {
      this.#rows.get(`${model}:${id}`).payload.consumed = Math.floor(Date.now() / 1000);
    },
    destroy: async (id) => {
      this.#rows.delete(`${model}:${id}`);
    },
    revokeByGrantId: async (grantId) => this.#forget((row) => row.model === model && row.payload.grantId === grantId),
  });

  /** The ids of one person's sessions. */
  sessionsOf(name) {
    return this.#of("Session")
      .filter((payload) => payload.accountId === name)
      .map((payload) => payload.jti);
  }

  #of(model) {
    return [...this.#rows.values()].filter((row) => row.model === model).map((row) => row.payload);
  }

  #forget(isOver) {
    for (const [key, row] of this.#rows) if (isOver(row)) this.#rows.delete(key);
  }

  #sweep() {
    const now = Date.now();
    this.#forget((row) => row.until < now);
  }
}
