/** An expression; `written` of a chain `a.b["c"]` is the whole of it, as an error names it. */
export type Expression = { line: number } & (
  | { kind: 'constant'; value: string | number | bigint | boolean | null }
  | { kind: 'name'; name: string; written: string }
  | { kind: 'attribute'; of: Expression; name: string; written: string }
  | { kind: 'item'; of: Expression; key: Expression; written: string }
  | { kind: 'slice'; of: Expression; from: Expression | null; to: Expression | null; step: Expression | null }
  | { kind: 'list' | 'tuple' | 'concat'; items: Expression[] }
  | { kind: 'dict'; pairs: [Expression, Expression][] }
  | { kind: 'call'; of: Expression; args: Arguments }
  | { kind: 'filter'; of: Expression; name: string; args: Arguments }
  | { kind: 'test'; of: Expression; name: string; args: Arguments; isNegated: boolean }
  | { kind: 'unary'; sign: 'not' | '-' | '+'; of: Expression }
  | { kind: 'binary'; sign: string; left: Expression; right: Expression }
  | { kind: 'compare'; first: Expression; rest: [sign: string, right: Expression][] }
  | { kind: 'either'; then: Expression; condition: Expression; otherwise: Expression | null }
);

export interface Arguments {
  positional: Expression[];
  named: [string, Expression][];
  /** `*list` and `**map`. */
  spread: Expression | null;
  spreadNamed: Expression | null;
}

export interface MacroParameter {
  name: string;
  otherwise: Expression | null;
}

export type Target = { line: number } & (
  { kind: 'name'; name: string } | { kind: 'member'; of: string; name: string } | { kind: 'targets'; targets: Target[] }
);

export type FilterCall = Pick<Extract<Expression, { kind: 'filter' }>, 'name' | 'args' | 'line'>;

export type Statement = { line: number } & (
  | { kind: 'text'; text: string }
  | { kind: 'output'; value: Expression }
  | { kind: 'if'; branches: [Expression, Statement[]][]; otherwise: Statement[] }
  | { kind: 'for'; loop: LoopNode }
  | { kind: 'set'; target: Target; value: Expression }
  | { kind: 'capture'; target: Target; filters: FilterCall[]; body: Statement[] }
  | { kind: 'with'; values: [Target, Expression][]; body: Statement[] }
  | { kind: 'macro'; macro: Macro }
  | { kind: 'callBlock'; call: Expression; macro: Macro }
  | { kind: 'filterBlock'; filters: FilterCall[]; body: Statement[] }
  | { kind: 'block'; body: Statement[] }
  | { kind: 'do'; value: Expression }
  | { kind: 'break' | 'continue' }
);

export interface LoopNode {
  target: Target;
  over: Expression;
  condition: Expression | null;
  isRecursive: boolean;
  body: Statement[];
  otherwise: Statement[];
}

export interface Macro {
  name: string;
  parameters: MacroParameter[];
  body: Statement[];
}
