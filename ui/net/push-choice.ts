/** Under which is kept what this device gets, of every machine; missing: it gets nothing. */
export const CHOICE_KEY = 'push-choice';
