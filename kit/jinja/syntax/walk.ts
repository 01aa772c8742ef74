// The parts of statements and expressions, for those who look at a template without carrying it out.
import type { Arguments, Expression, FilterCall, Statement, Target } from './nodes.ts';

const ofArguments = ({ positional, named, spread, spreadNamed }: Arguments): Expression[] => [
  ...positional,
  ...named.map(([, value]) => value),
  ...[spread, spreadNamed].filter((one) => one !== null),
];

/** The expressions right inside an expression. */
export function partsOf(node: Expression): Expression[] {
  switch (node.kind) {
    case 'constant':
    case 'name':
      return [];
    case 'attribute':
      return [node.of];
    case 'item':
      return [node.of, node.key];
    case 'slice':
      return [node.of, node.from, node.to, node.step].filter((one) => one !== null);
    case 'list':
    case 'tuple':
    case 'concat':
      return node.items;
    case 'dict':
      return node.pairs.flat();
    case 'call':
    case 'filter':
    case 'test':
      return [node.of, ...ofArguments(node.args)];
    case 'unary':
      return [node.of];
    case 'binary':
      return [node.left, node.right];
    case 'compare':
      return [node.first, ...node.rest.map(([, right]) => right)];
    case 'either':
      return [node.then, node.condition, ...(node.otherwise ? [node.otherwise] : [])];
  }
}

/** The bodies right inside a statement. */
export function innerOf(node: Statement): Statement[][] {
  switch (node.kind) {
    case 'if':
      return [...node.branches.map(([, body]) => body), node.otherwise];
    case 'for':
      return [node.loop.body, node.loop.otherwise];
    case 'macro':
      return [node.macro.body];
    case 'callBlock':
      return [node.macro.body];
    case 'capture':
    case 'with':
    case 'filterBlock':
    case 'block':
      return [node.body];
    default:
      return [];
  }
}

/** The expressions of a statement itself, and the filters of its block. */
export function expressionsOf(node: Statement): { expressions: Expression[]; filters: FilterCall[] } {
  const found = (expressions: Expression[], filters: FilterCall[] = []) => ({
    expressions: [...expressions, ...filters.flatMap(({ args }) => ofArguments(args))],
    filters,
  });
  switch (node.kind) {
    case 'output':
    case 'set':
    case 'do':
      return found([node.value]);
    case 'if':
      return found(node.branches.map(([condition]) => condition));
    case 'for':
      return found([node.loop.over, ...(node.loop.condition ? [node.loop.condition] : [])]);
    case 'with':
      return found(node.values.map(([, value]) => value));
    case 'capture':
    case 'filterBlock':
      return found([], node.filters);
    case 'macro':
    case 'callBlock': {
      const defaults = node.macro.parameters.flatMap(({ otherwise }) => (otherwise ? [otherwise] : []));
      return found(node.kind === 'callBlock' ? [...defaults, node.call] : defaults);
    }
    default:
      return found([]);
  }
}

export const namesIn = (target: Target): string[] =>
  target.kind === 'name' ? [target.name] : target.kind === 'targets' ? target.targets.flatMap(namesIn) : [];

/** The names to which a statement gives something. */
export function targetsOf(node: Statement): string[] {
  switch (node.kind) {
    case 'set':
    case 'capture':
      return namesIn(node.target);
    case 'for':
      return namesIn(node.loop.target);
    case 'with':
      return node.values.flatMap(([target]) => namesIn(target));
    case 'macro':
      return [node.macro.name, ...node.macro.parameters.map(({ name }) => name)];
    case 'callBlock':
      return node.macro.parameters.map(({ name }) => name);
    default:
      return [];
  }
}
