export interface DictateProps {
  text: string;
  onText: (text: string) => void;
  disabled: boolean;
}
