"""Bokmål into nynorsk for the vocabulary of these notes: word by word, no grammar."""

from __future__ import annotations

import re

_PAIRS = """
ikke ikkje|jeg eg|hun ho|henne ho|hennes hennar|fra frå|noe noko|noen nokre|uke veke|uker veker|uken
veka|ukene vekene
hvor kor|hva kva|hvis viss|når når|mye mykje|kommer kjem|blir blir|gjør gjer|gjort gjort|være vere|vært
vore|forverret forverra
litt litt|bare berre|også også|etter etter|før før|siden sidan|siste siste|måned månad|måneder månader|døgn
døgn
smerter smerter|smerte smerte|vondt vondt|hoste hoste|hoster hostar|sover søv|våkner vaknar|søvn søvn|spiser
et|drikker drikk
feber feber|tungpust tungpust|sår sår|tørr tørr|kjenner kjenner|føler føler|merker merkar|opplever opplever
henvist tilvist|henv. tilv.|henvises blir tilvist|sykmeldt sjukmeld|sykmeldes blir sjukmeld|sykmelding
sjukmelding|egenmelding eigenmelding
syk sjuk|syke sjuke|sykehuset sjukehuset|sykepleier sjukepleiar|diabetessykepleier
diabetessjukepleiar|helsesykepleier helsesjukepleiar
kontroll kontroll|kontrolleres blir kontrollert|tas blir teke|gitt gitt|gis blir gitt|bedre betre|bedring
betring|verre verre|forverring forverring
øker aukar|økt auka|økende aukande|redusert redusert|nedsatt nedsett|nedstemt nedstemt|moderat moderat|lett
lett
venstre venstre|høyre høgre|venstresidig venstresidig|begge begge|ensidig einsidig|uten utan|med med|mellom
mellom|både både
tatt teke|tar tek|tatt. teke.|får får|fått fått|sett sett|ser ser|sier seier|forteller fortel|skriver
skriv|oppgir opplyser
ønsker ønskjer|ønske ønske|trenger treng|hjelp hjelp|hjelper hjelper|hjulpet hjelpt|bruker brukar|brukt
brukt|jobber jobbar|jobb jobb
hjemme heime|hjem heim|hjemmetjenesten heimetenesta|hjemmetjeneste heimeteneste|hjemmebesøk
heimebesøk|hjemmemålinger heimemålingar
hverdag kvardag|hver kvar|hvert kvart|hverken verken|selv sjølv|seg seg|egen eigen|egne eigne|egentrening
eigentrening
tabletter tablettar|medisin medisin|medisiner medisinar|medisinene medisinane|legemiddel
legemiddel|legemiddelgjennomgang legemiddelgjennomgang
lungene lungene|hjertebank hjartebank|hjerte hjarte|hjertesvikt hjartesvikt|hjertesviktkontroll
hjartesviktkontroll|hjerneslag hjerneslag|brystsmerter brystsmerter
blodtrykk blodtrykk|blodtrykkskontroll blodtrykkskontroll|målinger målingar|måling måling|målt målt|måler
måler|verdier verdiar
uregelmessig uregelmessig|regelmessig regelmessig|vanlig vanleg|tidligere tidlegare|trolig truleg|mulig
mogleg|sannsynlig sannsynleg|alvorlig alvorleg
frisk frisk|plager plager|plaget plaga|plagene plagene|slapphet slappheit|trøtthet trøyttleik|trøtt
trøytt|sliten sliten|ømhet ømheit|stivhet stivheit
begynte byrja|startet starta|oppstart oppstart|varer varer|vedvarende vedvarande|avtalt avtalt|avtale
avtale|time time|timer timar
familien familien|mor mor|far far|søsken sysken|barnet barnet|barn barn|barnehagen barnehagen|barnehage
barnehage|skolen skulen|skole skule|skolestart skulestart
gutt gut|jente jente|kjæreste kjærast|kjæresten kjærasten|ektefelle ektefelle|sønn son|datter
dotter|foreldrene foreldra|foreldre foreldre
kvalm kvalm|oppkast oppkast|avføring avføring|vannlating vasslating|vannlatingsplager vasslatingsplager|vann
vatn|vanndrivende vassdrivande|urin urin
øye auge|øyne auge|øyet auget|øyelege augelege|øyedr. augedr.|øre øyre|ører øyre|øregang øyregang|øredråper
øyredropar|ørevoks øyrevoks|ørevondt øyrevondt|nese nese
rødt raudt|rød raud|røde raude|rødme raudne|hvite kvite|hvit kvit|gult gult|grønt grønt|blå blå|bløt
blaut|hoven hoven|hovent hove|hevelse hevelse
bevegelighet rørsle|bevegelse rørsle|beveger rører|aktivitet aktivitet|gange gange|gangdistanse
gangdistanse|går går|gikk gjekk|tur tur
kne kne|ben bein|legg legg|legger leggar|fot fot|føtter føter|føttene føtene|ankel ankel|rygg rygg|ryggen
ryggen|nakke nakke|skulder skulder
fortsetter held fram med|videre vidare|uendret uendra|endring endring|samme same|samtidig samtidig|annen
annan|andre andre|alle alle|alt alt|ingen ingen
rådgivning rådgjeving|råd råd|gode gode|god god|godt godt|bra bra|fin fin|rolig roleg|urolig uroleg|høy
høg|høyt høgt|lav låg|lave låge|lavest lågast
uttrykker uttrykkjer|vil vil|skal skal|kan kan|må må|burde burde|oppfølging oppfølging|følges blir
følgd|følger følgjer|behandling behandling|behandles blir behandla
undersøkelse undersøking|undersøkt undersøkt|prøver prøver|prøvesvar prøvesvar|blodprøver blodprøver|svar
svar|sendt sendt|bestilt bestilt|velregulert velregulert
pasienten pasienten|sykdom sjukdom|koronarsykdom koronarsjukdom|nyresykdom nyresjukdom|hjertesykdom
hjartesjukdom|lungebetennelse lungebetennelse|forkjølet forkjølt|forkjølelse forkjøling
hudutslett hudutslett|utslett utslett|kløe kløe|klør klør|eksemet eksemet|smurt smurt|smører smører|daglig
dagleg|ukentlig vekentleg|månedlig månadleg|årlig årleg
sjelden sjeldan|ofte ofte|oftere oftare|flere fleire|mer meir|mest mest|mindre mindre|lite lite|lenger
lenger|første første|neste neste
natten natta|natt natt|nattlig nattleg|morgenen morgonen|morgen morgon|morgenstivhet morgonstivleik|kvelden
kvelden|kveld kveld|frokost frukost
arbeid arbeid|arbeidet arbeidet|bor bur|alene åleine|sammen saman|pårørende pårørande|snakket snakka|snakke
snakke|samtale samtale|informert informert
røyker røykjer|røykt røykt|alkohol alkohol|kaffe kaffi|mosjon mosjon|trening trening|trener trenar|vekt
vekt|vekten vekta|vektkontroll vektkontroll
stabil stabil|bedret betra|tilfredsstillende tilfredsstillande|ellers elles|likevel likevel|fremgang
framgang|fremover framover|fremoverbøyning framoverbøying|foroverbøyning framoverbøying
observeres blir observert|observert observert|registrert registrert|meldt meldt|varslet varsla|orientert
orientert|vurdere vurdere|vurderes blir vurdert|vurdert vurdert
øvre øvre|nedre nedre|luftveisinfeksjon luftvegsinfeksjon|virusinfeksjon virusinfeksjon|betennelse
betennelse|bihulebetennelse biholebetennelse|tegn teikn|antibiotika antibiotika
kjent kjend|kjente kjende|tåler toler|tåles blir tolt|glemmer gløymer|glemt gløymt|husker hugsar|hukommelsen
hukommelsen|bekymret uroleg|behov behov
hørsel høyrsle|hører høyrer|syn syn|øyeblikkelig straks|snarest snarast|holdepunkt haldepunkt|holder
held|holde halde|sitter sit|ligger ligg|ligge liggje|står står|stå stå|lever lever
slik slik|denne denne|dette dette|disse desse|deres deira|deretter deretter|åpen open|dårlig dårleg|dårligere
dårlegare|hyppig hyppig|pga. pga.|årskontroll årskontroll|enn enn
årsak årsak|årsaker årsaker|trygges blir trygga|trygger tryggjer|leddsmerter leddsmerter|muskelsmerter
muskelsmerter|hodepine hovudverk|hodet hovudet|hode hovud|bevisstløs medvitslaus
tenner tenner|mage mage|magen magen|magesmerter magesmerter|midt midt|opp opp|ned ned|igjen att|hverandre
kvarandre|hvilke kva|hvem kven|hvorfor kvifor|hvordan korleis
vesentlig vesentleg|faste faste|fast fast|selvbegrensende sjølvavgrensande|utover utover|forebyggende
førebyggjande|gjentas blir gjentatt|gjennomgått gjennomgått|vurderinger vurderingar
tørste tørste|vekttap vekttap|vektøkning vektauke|ernæring ernæring|matlyst matlyst|kosthold
kosthald|sukkerholdig sukkerhaldig|hovne hovne|tiltak tiltak|besøk besøk
"""

_WORDS = {
    old: new
    for line in _PAIRS.strip().splitlines()
    for pair in line.split("|")
    for old, _, new in [pair.strip().partition(" ")]
    if new and old != new
}
_WORD = re.compile(r"[A-Za-zÆØÅæøå]+\.?")


def to_nynorsk(text: str) -> str:
    """The same note in nynorsk words."""
    return _WORD.sub(_swap, text)


def _swap(match: re.Match[str]) -> str:
    word = match.group()
    found = _WORDS.get(word.lower())
    tail = ""
    if found is None and word.endswith("."):
        found, tail = _WORDS.get(word[:-1].lower()), "."
    if found is None:
        return word
    return (found[:1].upper() + found[1:] if word[0].isupper() else found) + tail
