/**
 * What outlives a page: the state that all tabs of an origin share, and the rows that wait to be sent.
 *
 * It is one IndexedDB database, because its transactions are the only thing in a browser that lets several tabs
 * read, decide and write without another one in between; localStorage is copied between processes with a delay.
 */

/** A row that waits: its id, the head of its batch and its event, both as JSON. */
/** @typedef {{id: string, head: string, json: string}} Row */
/**
 * @typedef {object} Store
 * @property {(decide: (state: any) => Row[]) => Promise<unknown>} change
 *   hands the shared state over to be changed in place, and keeps it and the rows that are returned, all or nothing
 * @property {() => void} abort gives up the change that is under way; throws if it is too late for that
 * @property {(ids: string[]) => void} remove
 * @property {() => Promise<Row[]>} rows the first thousand
 * @property {() => void} clear
 */

/**
 * The database of this name. Rejects where the browser has none.
 * @param {string} name
 * @returns {Promise<Store>}
 */
export const openStore = (name) =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("state");
      request.result.createObjectStore("queue", { keyPath: "id" });
    };
    request.onerror = reject;
    request.onsuccess = () => {
      /** @type {IDBTransaction} */
      let tx;
      /**
       * @param {(queue: IDBObjectStore, state: IDBObjectStore) => any} work
       * @returns {Promise<any>} the result of the request that `work` gave, once the transaction is complete
       */
      const run = (work) =>
        new Promise((done, failed) => {
          tx = request.result.transaction(["queue", "state"], "readwrite");
          const read = work(tx.objectStore("queue"), tx.objectStore("state"));
          tx.oncomplete = () => done(read?.result);
          tx.onabort = failed;
        });
      const ignore = () => {};
      resolve({
        change: (decide) =>
          run((queue, states) => {
            const read = states.get(0);
            read.onsuccess = () => {
              const state = read.result || {};
              for (const row of decide(state)) queue.put(row);
              states.put(state, 0);
            };
          }),
        abort: () => tx.abort(),
        remove: (ids) => run((queue) => void ids.map((id) => queue.delete(id))).catch(ignore),
        rows: () => run((queue) => queue.getAll(null, 1000)),
        clear: () => run((queue, states) => (queue.clear(), states.clear())).catch(ignore),
      });
    };
  });

/**
 * The same in this page's memory alone: for the level `performance`, and where there is no database.
 * @param {object} [state]
 * @returns {Store}
 */
export const memoryStore = (state = {}) => ({
  change: async (decide) => decide(state),
  abort() {},
  remove() {},
  rows: async () => [],
  clear() {},
});
