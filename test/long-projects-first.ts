import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Vitest's order, longer files first, but the few long files of the other projects before those of `node`: by its own
 * order they come last, and the run ends with most of its workers idle.
 */
export class LongProjectsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isNode = ({ project }: TestSpecification) => project.name === 'node'
    return [...sorted.filter((file) => !isNode(file)), ...sorted.filter(isNode)]
  }
}
