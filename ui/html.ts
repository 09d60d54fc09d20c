/** Templates and hooks in one place: `html` is htm bound to preact's `h`. Text is always escaped; nothing sets innerHTML. */
export { html } from 'htm/preact';
export { createRef, Fragment, render } from 'preact';
export type { ComponentChildren, ComponentType, VNode } from 'preact';
export { useCallback, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks';
