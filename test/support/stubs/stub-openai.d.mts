export interface OpenAIStub {
  port: number;
  /** Base URL with /v1. */
  url: string;
  requests: {
    method: string;
    path: string;
    prompt?: string;
    model?: string;
    last?: string;
    inputTypes?: string[];
    /** The input as JSON. */
    conversation?: string;
  }[];
  setScenario(scenario: unknown): void;
  close(): Promise<void>;
}
export function startOpenAIStub(options?: { port?: number; scenario?: unknown; log?: string }): Promise<OpenAIStub>;
