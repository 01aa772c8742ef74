// Python's operators. Numbers are bounded, so that no expression grows without end.
import { spend, spendText } from '../meter.ts';
import { RenderError } from '../render-error.ts';
import { printf } from '../library/printf.ts';
import { changed, joined, markOf, withMark } from './marked.ts';
import { str } from './print.ts';
import { Tuple, isMarked, isNumber, itemsOf, textOf, typeName } from './value.ts';
import type { Value } from './value.ts';

const largest = 10n ** 1000n;

export function bounded(value: bigint): bigint {
  if (value > largest || value < -largest) throw new RenderError('a number becomes too large');
  return value;
}

type Numbers = [bigint, bigint] | [number, number];

/** Both as int, or both as float. */
function numbers(left: Value, right: Value, sign: string): Numbers {
  if (!isNumber(left) || !isNumber(right)) {
    throw new RenderError(`${sign} is not possible with a ${typeName(left)} and a ${typeName(right)}`);
  }
  if (typeof left === 'number' || typeof right === 'number') return [Number(left), Number(right)];
  return [BigInt(left), BigInt(right)];
}

const isWhole = (pair: Numbers): pair is [bigint, bigint] => typeof pair[0] === 'bigint';

function notZero(value: bigint | number): void {
  if (value == 0) throw new RenderError('division by zero');
}

function floorDivide(pair: Numbers): bigint | number {
  notZero(pair[1]);
  if (!isWhole(pair)) return Math.floor(pair[0] / pair[1]);
  const quotient = pair[0] / pair[1];
  return pair[0] % pair[1] !== 0n && pair[0] < 0n !== pair[1] < 0n ? quotient - 1n : quotient;
}

function modulo(pair: Numbers): bigint | number {
  notZero(pair[1]);
  if (isWhole(pair)) return ((pair[0] % pair[1]) + pair[1]) % pair[1];
  const rest = pair[0] % pair[1];
  return rest !== 0 && rest < 0 !== pair[1] < 0 ? rest + pair[1] : rest;
}

function power(pair: Numbers): bigint | number {
  if (!isWhole(pair)) return pair[0] ** pair[1];
  const [base, exponent] = pair;
  if (exponent < 0n) return Number(base) ** Number(exponent);
  const isSmall = base >= -1n && base <= 1n;
  if (!isSmall && exponent > 4000n) throw new RenderError('a number becomes too large');
  return isSmall ? base ** (exponent % 2n === 0n ? (exponent === 0n ? 0n : 2n) : 1n) : bounded(base ** exponent);
}

/** A text or list over and over; null: it is something else. */
function repeated(value: Value, times: Value): Value | null {
  if (typeof times !== 'bigint' && typeof times !== 'boolean') return null;
  const count = Math.max(0, Number(times));
  const text = textOf(value);
  if (text !== null) {
    spendText(text.length * count);
    return withMark(text.repeat(count), isMarked(value) ? changed(value.mark) : null);
  }
  const items = Array.isArray(value) ? value : value instanceof Tuple ? value.items : null;
  if (!items) return null;
  spend(items.length * count);
  const all = Array.from({ length: count }, () => items).flat();
  return Array.isArray(value) ? all : new Tuple(all);
}

/** Texts put together, as `~` and `join` do. */
export function concat(parts: Value[]): Value {
  const texts = parts.map(str);
  const plain = texts.map((text) => textOf(text) ?? '');
  spendText(plain.reduce((sum, text) => sum + text.length, 0));
  return withMark(plain.join(''), texts.map(markOf).reduce(joined, null));
}

function add(left: Value, right: Value): Value {
  if (textOf(left) !== null && textOf(right) !== null) return concat([left, right]);
  const [first, second] = [itemsOf(left), itemsOf(right)];
  if (first && second && typeName(left) === typeName(right)) {
    spend(first.length + second.length);
    const all = [...first, ...second];
    return Array.isArray(left) ? all : new Tuple(all);
  }
  const pair = numbers(left, right, '+');
  return isWhole(pair) ? bounded(pair[0] + pair[1]) : pair[0] + pair[1];
}

function multiply(left: Value, right: Value): Value {
  const many = repeated(left, right) ?? repeated(right, left);
  if (many !== null) return many;
  const pair = numbers(left, right, '*');
  return isWhole(pair) ? bounded(pair[0] * pair[1]) : pair[0] * pair[1];
}

function divide(pair: Numbers): number {
  notZero(pair[1]);
  return Number(pair[0]) / Number(pair[1]);
}

export function calculate(sign: string, left: Value, right: Value): Value {
  switch (sign) {
    case '+':
      return add(left, right);
    case '*':
      return multiply(left, right);
    case '-': {
      const pair = numbers(left, right, sign);
      return isWhole(pair) ? bounded(pair[0] - pair[1]) : pair[0] - pair[1];
    }
    case '/':
      return divide(numbers(left, right, sign));
    case '//':
      return floorDivide(numbers(left, right, sign));
    case '%':
      return textOf(left) !== null ? printf(left, right) : modulo(numbers(left, right, sign));
    case '**':
      return power(numbers(left, right, sign));
    default:
      throw new RenderError(`the operator ${sign} is not known`);
  }
}

export function negative(value: Value): Value {
  if (typeof value === 'number') return -value;
  if (typeof value === 'bigint' || typeof value === 'boolean') return -BigInt(value);
  throw new RenderError(`a ${typeName(value)} has no sign`);
}
