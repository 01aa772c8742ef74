// Tables and columns are camelCase in code and snake_case in PostgreSQL. Kysely's plugin copies a query to rename its
// identifiers, and a nested query once per level; here they are renamed while the SQL text is generated.
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

/** Converts result columns to camelCase; used with the dialect. */
export const names = new Names({ maintainNestedObjectKeys: true });

const arrayOperators: Partial<Record<string, string>> = { in: '= any', 'not in': '<> all' };

class Compiler extends PostgresQueryCompiler {
  protected override sanitizeIdentifier(identifier: string): string {
    return super.sanitizeIdentifier(names.inDatabase(identifier));
  }

  // A list of values is one array parameter, so its length never exceeds the limit on parameters.
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

/** PostgreSQL with camelCase identifiers. */
export class NamingDialect extends PostgresDialect {
  override createQueryCompiler(): PostgresQueryCompiler {
    return new Compiler();
  }
}
