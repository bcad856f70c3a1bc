import { describe, expect, it } from 'vitest'
import { sameRouter } from '../../../controller/promotion/judge-source.ts'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { ROUTER_FILE } from '../../../runtime/bundle/program.ts'
import { faq } from '../../support/scaffold.ts'

const sealed = compileBundle(faq(), 1).files

describe('the router of an older seal', () => {
  it('is taken where the ontology and the compiler are the same, and is what compiling gives', () => {
    const changed = faq({ 'templates/contact.j2': (text) => text.replace('Write', 'Please write') })
    const router = sameRouter(changed, sealed, 1)
    expect(router).toEqual(compileBundle(changed, 1).files.get(ROUTER_FILE))
  })

  it('is left where the ontology differs in one byte, or the compiler is another', () => {
    const changed = faq({ 'ontology/ontology.yaml': (text) => text.replace('Tell me a joke', 'Tell me a joke!') })
    expect(sameRouter(changed, sealed, 1)).toBeNull()
    expect(sameRouter(faq(), sealed, 2)).toBeNull()
  })
})
