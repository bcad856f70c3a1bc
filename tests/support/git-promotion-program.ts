import { promoteOnce } from './git-promotion.ts'

/** A process of its own for one promotion, to be killed. */
await promoteOnce(process.argv[2] ?? '')
