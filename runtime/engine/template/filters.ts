import { LIST_FILTERS } from './list-filters.ts'
import { NUMBER_FILTERS } from './number-filters.ts'
import { TEXT_FILTERS } from './text-filters.ts'
import type { Filter } from './filter.ts'

/**
 * The filters that a template may use, by name: pure and deterministic functions of their arguments, with nunjucks'
 * names and meaning where nunjucks has them. `default` also takes what is undefined.
 */
export const FILTERS: ReadonlyMap<string, Filter> = new Map(
  Object.entries({ ...TEXT_FILTERS, ...NUMBER_FILTERS, ...LIST_FILTERS }),
)
