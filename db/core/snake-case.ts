// Tables and columns are camelCase in code and snake_case in PostgreSQL. Kysely's plugin copies a query to spell its names,
// and a query within another once more for each around it; here they are spelt as the text is written.
import { CamelCasePlugin, OperatorNode, PostgresDialect, PostgresQueryCompiler, PrimitiveValueListNode } from 'kysely';
import type { BinaryOperationNode, PluginTransformQueryArgs, RootOperationNode } from 'kysely';

class Names extends CamelCasePlugin {
  override transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    return node;
  }

  inDatabase(name: string): string {
    return this.snakeCase(name);
  }
}

/** Gives rows our names; goes with the dialect. */
export const names = new Names({ maintainNestedObjectKeys: true });

const arrayOperators: Partial<Record<string, string>> = { in: '= any', 'not in': '<> all' };

class Compiler extends PostgresQueryCompiler {
  protected override sanitizeIdentifier(identifier: string): string {
    return super.sanitizeIdentifier(names.inDatabase(identifier));
  }

  // A list of values is one parameter, an array: however long it is, it is never over the limit of a statement's parameters.
  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const { leftOperand, operator, rightOperand } = node;
    const among =
      OperatorNode.is(operator) && PrimitiveValueListNode.is(rightOperand)
        ? arrayOperators[operator.operator]
        : undefined;
    if (among === undefined || !PrimitiveValueListNode.is(rightOperand)) return super.visitBinaryOperation(node);
    this.visitNode(leftOperand);
    this.append(` ${among}(`);
    this.appendValue(rightOperand.values);
    this.append(')');
  }
}

/** PostgreSQL, written to by our names. */
export class NamingDialect extends PostgresDialect {
  override createQueryCompiler(): PostgresQueryCompiler {
    return new Compiler();
  }
}
