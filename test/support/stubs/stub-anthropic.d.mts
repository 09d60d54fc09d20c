export interface AnthropicStub {
  port: number;
  url: string;
  requests: {
    path: string;
    prompt?: string;
    /** All that was typed in the conversation so far. */
    typed?: string[];
    model?: string;
    effort?: string;
    lastMessage?: string;
    /** The messages as JSON. */
    conversation?: string;
    images?: number;
    aux?: boolean;
  }[];
  setScenario(scenario: unknown): void;
  close(): Promise<void>;
}
export function startAnthropicStub(
  options?: { port?: number; scenario?: unknown; log?: string },
): Promise<AnthropicStub>;
