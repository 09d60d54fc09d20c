/** Why the browser does not listen. */
export type DictationTrouble =
  | 'unsupported'
  | 'insecure'
  | 'denied'
  | 'network'
  | 'microphone'
  | 'silence'
  | 'language'
  | 'failed';

/** Sentences of speaking instead of typing. */
export const dictation = {
  dictation: {
    start: 'Dictate',
    stop: 'Stop dictating',
    listening: 'Listening. Check the text before you send it.',
    trouble: {
      unsupported: 'This browser cannot take dictation. The microphone of your phone’s keyboard can.',
      insecure: 'Dictation needs https: browsers give no microphone to this page.',
      denied: 'The microphone is blocked. Allow it for this site in the browser’s settings.',
      network: 'The browser’s speech service cannot be reached.',
      microphone: 'No microphone was found.',
      silence: 'Nothing was heard.',
      language: 'The browser does not know this language.',
      failed: 'Dictation has ended with an error.',
    } as Record<DictationTrouble, string>,
  },
};
