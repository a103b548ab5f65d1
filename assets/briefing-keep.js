/**
 * Words that are being written and are not saved yet, kept on this device: when a session ends or the network is gone, they
 * are there the next time the same person opens the same draft. What is saved is not kept here, and nothing is older than a month.
 */
(function () {
  'use strict';
  const PREFIX = 'commonground-draft-';
  const MONTH_MS = 30 * 24 * 3600 * 1000;

  /** The storage, or null where it is switched off or full. */
  function storage(use) {
    try {
      return use(window.localStorage);
    } catch {
      return null;
    }
  }

  const kept = {
    /** {text, revision, at} of this person, or null. */
    read(draft, user) {
      const found = storage((place) => JSON.parse(place.getItem(PREFIX + draft)));
      return found && found.user === user && typeof found.text === 'string' ? found : null;
    },
    /** Whether it could be kept. */
    write(draft, user, text, revision) {
      const copy = JSON.stringify({ user, text, revision, at: Date.now() });
      return storage((place) => (place.setItem(PREFIX + draft, copy), true)) === true;
    },
    /** Somebody else's words on the same device stay. */
    clear(draft, user) {
      if (kept.read(draft, user)) storage((place) => place.removeItem(PREFIX + draft));
    },
    sweep() {
      storage((place) => {
        for (const key of Object.keys(place).filter((name) => name.startsWith(PREFIX))) {
          if (!(JSON.parse(place.getItem(key))?.at > Date.now() - MONTH_MS)) place.removeItem(key);
        }
      });
    },
  };
  kept.sweep();
  window.commonground = Object.assign(window.commonground || {}, { kept });
})();
