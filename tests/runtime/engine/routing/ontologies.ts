import type { Intent, Ontology } from '../../../../schemas/registry/ontology.ts'

const intent = (name: string, utterances: string[]): Intent => ({ name, title: name.replaceAll('_', ' '), utterances })

/** A small English bank, with `changes` laid over it. */
export function bank(changes: Partial<Ontology> = {}): Ontology {
  return {
    language: 'en',
    normalization: { fold_accents: true, stemmer: 'english' },
    intents: [
      intent('card_arrival', [
        'When will my card arrive?',
        'I am still waiting for my new card',
        'How long does delivery of the card take?',
        'My card has not been delivered yet',
        'Where is the card that you sent me?',
        'Can I track my card in the post?',
      ]),
      intent('card_lost', [
        'I lost my card',
        'My card was stolen',
        'I cannot find my card anywhere',
        'Please block my card, it is gone',
        'Somebody took my wallet with the card in it',
        'What do I do about a missing card?',
      ]),
      intent('opening_hours', [
        'When are you open?',
        'What are your opening hours?',
        'Is the branch open on Saturday?',
        'Until what time can I visit a branch?',
        'Do you close over lunch?',
        'Are you open today?',
      ]),
      intent('exchange_rate', [
        'What is the exchange rate for euros?',
        'How much is a dollar in pounds?',
        'Which rate do you use for foreign currency?',
        'Do your rates change during the day?',
        'What rate will I get abroad?',
        'Tell me the rate for Swiss francs',
      ]),
      intent('fallback', []),
    ],
    routing: { threshold: 0.4, input: 'question', question: 'question', output: 'answer' },
    fallback: 'fallback',
    ...changes,
  }
}

/** A small Brazilian help desk. */
export function helpDesk(): Ontology {
  return {
    ...bank(),
    language: 'pt-BR',
    normalization: { fold_accents: true, stemmer: 'portuguese' },
    intents: [
      intent('segunda_via', [
        'Preciso da segunda via do boleto',
        'Como emito outra cópia do boleto?',
        'Perdi o boleto, onde consigo outro?',
        'O boleto venceu, como gero um novo?',
        'Quero imprimir o boleto outra vez',
      ]),
      intent('informacao_conta', [
        'Quero informações sobre a minha conta',
        'Onde vejo a informação do saldo?',
        'Como consulto os dados da conta?',
        'Mostre o extrato da conta',
        'Qual é o número da minha conta?',
      ]),
      intent('cancelamento', [
        'Quero cancelar o plano',
        'Como faço o cancelamento?',
        'Não quero mais o serviço',
        'Gostaria de encerrar a assinatura',
        'Cancele a minha inscrição, por favor',
      ]),
      intent('fallback', []),
    ],
  }
}
