// Tables and columns are camelCase in code and snake_case in PostgreSQL. Kysely's plugin copies a query to spell its names,
// and a query within another once more for each around it; here they are spelt as the text is written.
import { CamelCasePlugin, PostgresDialect, PostgresQueryCompiler } from 'kysely';
import type { PluginTransformQueryArgs, RootOperationNode } from 'kysely';

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

class Compiler extends PostgresQueryCompiler {
  protected override sanitizeIdentifier(identifier: string): string {
    return super.sanitizeIdentifier(names.inDatabase(identifier));
  }
}

/** PostgreSQL, written to by our names. */
export class NamingDialect extends PostgresDialect {
  override createQueryCompiler(): PostgresQueryCompiler {
    return new Compiler();
  }
}
