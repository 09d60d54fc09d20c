/** Templates and hooks in one place: `html` is htm bound to preact's `h`. Text is always escaped; nothing sets innerHTML. */
export { html } from 'htm/preact';
export { createContext, createRef, Fragment, render } from 'preact';
export type { ComponentChildren, ComponentType, VNode } from 'preact';
export {
  useCallback,
  useContext,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from 'preact/hooks';
