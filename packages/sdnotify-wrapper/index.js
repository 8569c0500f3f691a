'use strict';

const { sd_notify } = require('readyup');

class SdNotifyWrapper {
  notify(unsetEnvironment, state) {
    const sent = sd_notify(state, { unsetEnvironment: Boolean(unsetEnvironment) }).then(() => undefined);
    // Whoever awaits it sees it reject; where nobody does, it is no unhandled rejection.
    sent.catch(() => {});
    return sent;
  }
}

module.exports = new SdNotifyWrapper();
