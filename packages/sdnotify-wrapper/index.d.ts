declare class SdNotifyWrapper {
  /**
   * Sends a state string to the manager, and resolves once it was sent, or if there is no manager. With
   * `unsetEnvironment`, `NOTIFY_SOCKET` is deleted from `process.env`, so that child processes don't find it.
   */
  notify(unsetEnvironment: boolean, state: string): Promise<void>;
}

declare const wrapper: SdNotifyWrapper;

export = wrapper;
