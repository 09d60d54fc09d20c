/** What the palette and the list of keys are drawn with. */
export interface PanelProps {
  onClose: () => void;
}
