/** Sentences of notifications on this device. */
export const push = {
  push: {
    title: 'Notifications on this device',
    text: 'Says when an agent needs you, is done or fails, also while the dashboard is closed.',
    turnOn: 'Turn on',
    turnOff: 'Turn off',
    test: 'Send me one now',
    tested: (service: number, all: number) =>
      `It came back after ${all} ms; the push service had it after ${service} ms.`,
    notBack: (service: number) =>
      `The push service had it after ${service} ms, but it has not come back to this device yet. Is it asleep, or saving power?`,
    lastDelivered: 'Last delivered',
    lastCame: 'came here',
    lastFailed: 'Failed',
    requestsOnly: 'Only when an agent needs me',
    requestsOnlyHint: 'Not when it is done or fails, and not for limits and the pipeline.',
    unreachable: 'This browser’s push service could not be reached. Try again later, or in another network.',
    hide: 'Hide what it is about',
    hideHint: 'For a lock screen that others can see. You can then answer only on the dashboard.',
    blocked: {
      insecure: 'This needs https. Open the dashboard by its https address.',
      home_screen:
        'On this device, first add the dashboard to the home screen (Share → Add to Home Screen), and open it from there.',
      unsupported: 'This browser has no push notifications.',
      denied: 'The browser refuses notifications of this page. Allow them in its settings for this site.',
    },
  },
};
