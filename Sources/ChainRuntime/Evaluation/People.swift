import ChainIO
import ChainProgram

/// The usual made-up names and addresses. The words are our own; what looks like an address or a telephone number belongs to nobody.
enum People {
  static func draw(_ function: Function, _ arguments: FunctionLibrary.Arguments, draws: inout Randomness) throws(OperationError) -> String {
    switch function {
    case .randomFirstName: return pick(firstNames, &draws)
    case .randomLastName: return pick(lastNames, &draws)
    case .randomFullName: return pick(firstNames, &draws) + " " + pick(lastNames, &draws)
    case .randomEmail:
      let (first, last) = (pick(firstNames, &draws).lowercased(), pick(lastNames, &draws).lowercased())
      return "\(first).\(last)\(draws.next(below: 10_000))@example.\(pick(["com", "net", "org"], &draws))"
    case .randomPhone: return "+1 \(200 + draws.next(below: 800)) 555 01\(digits(2, &draws))"
    case .randomStreet: return "\(1 + draws.next(below: 199)) \(pick(streetNames, &draws)) \(pick(streetKinds, &draws))"
    case .randomCity: return pick(cities, &draws)
    case .randomPostcode: return "\(1 + draws.next(below: 9))\(digits(4, &draws))"
    case .randomCountry: return pick(countries, &draws)
    case .randomCompany: return "\(pick(lastNames, &draws)) \(pick(trades, &draws)) \(pick(companyForms, &draws))"
    case .randomWord: return pick(words, &draws)
    case .randomSentence:
      let count = try FunctionLibrary.int(arguments, 0)
      guard (1...1000).contains(count) else {
        throw OperationError(.value, code: "bad-count", "a sentence has 1 to 1000 words")
      }
      var text = pick(words, &draws)
      text = text.prefix(1).uppercased() + text.dropFirst()
      for _ in 1..<count { text += " " + pick(words, &draws) }
      return text + "."
    default: throw FunctionLibrary.isNull
    }
  }

  private static func pick(_ list: [String], _ draws: inout Randomness) -> String { list[Int(draws.next(below: UInt64(list.count)))] }

  private static func digits(_ count: Int, _ draws: inout Randomness) -> String {
    (0..<count).map { _ in String(draws.next(below: 10)) }.joined()
  }

  private static func list(_ words: String) -> [String] { words.split(separator: " ").map(String.init) }

  private static let firstNames = list(
    """
    Ada Alan Alma Amir Anna Anton Aylin Ben Berta Carla Chen Clara Dana David Diego Edith Elif Elsa Emil Emma Enzo Erik Eva Farid Felix \
    Fiona Frida Grace Hana Hugo Ida Igor Ines Ivan Jana Jonas Julia Kai Karim Klara Lars Lea Leon Lina Luca Lucia Maja Marie Mateo Max Mia \
    Milan Mina Nadia Nils Nina Noah Nora Olga Omar Oscar Paul Petra Pia Ravi Rosa Ruth Sami Sara Selma Sofia Sven Tariq Thea Tom Una Vera \
    Victor Wanda Yara Yuki Zoe
    """)
  private static let lastNames = list(
    """
    Abbott Adler Ahmed Alvarez Andersen Baker Bauer Becker Bianchi Brandt Carter Castro Chen Clark Cohen Costa Dietrich Dubois Duarte Evans \
    Ferrari Fischer Fontaine Garcia Gruber Haas Hansen Hoffmann Hughes Ivanov Jansen Jensen Kaya Keller Khan Kim Klein Kowalski Lang Larsen \
    Lehmann Lopez Maier Martin Meyer Moreau Morgan Nagy Neumann Nguyen Novak Okafor Olsen Park Patel Pereira Peters Popov Richter Rossi \
    Sato Schmidt Silva Singh Sommer Svensson Tanaka Turner Vogel Walker Weber Winter Wolf Yilmaz Young Zimmer
    """)
  private static let streetNames = list(
    """
    Amber Apple Ash Baker Bell Birch Bridge Brook Castle Cedar Chapel Cherry Church Clay Cloud Copper Elm Falcon Fern Field Forest Garden \
    Green Harbour Hazel Hill Ivy King Lake Lark Lime Linden Maple Market Meadow Mill Moon North Oak Orchard Park Pine Queen River Rose Silver \
    South Spring Station Stone Sun Tulip Valley Walnut West Willow
    """)
  private static let streetKinds = list("Street Road Lane Avenue Way Square Court Walk")
  private static let cities = list(
    """
    Arnhem Aarhus Basel Bergen Bilbao Bremen Bristol Brno Cork Dresden Essen Gdansk Genoa Ghent Graz Hamburg Izmir Kyoto Leeds Leipzig Lille \
    Linz Lyon Malaga Malmo Milan Nantes Odense Oslo Ostrava Perth Porto Quito Riga Rouen Salzburg Seville Split Tampere Trieste Turin Utrecht \
    Valencia Verona Vilnius Zagreb Zurich
    """)
  private static let countries = list("AT AU BE BR CA CH CZ DE DK EE ES FI FR GB GR HR HU IE IN IS IT JP KR LT LU LV MX NL NO NZ PL PT RO SE SI SK TR US")
  private static let trades = list("Bakery Books Coffee Data Design Electric Farms Foods Freight Garden Labs Logistics Metals Motors Optics Paper Print Systems Textiles Tools Trading Travel Water Works")
  private static let companyForms = list("Ltd Inc LLC GmbH AG SA BV Oy")
  private static let words = list(
    """
    about above across after again air all almost along also always among and another answer any apple around ask away back basket because \
    before begin below best better between big bird blue boat book both bread bridge bright bring brown build but butter buy call came can \
    carry change city clean clear close cloud cold colour come corner could count country course cup cut dark day deep did different door \
    down draw drink drive dry each early earth east eat edge egg end enough even every eye face fall far farm fast feel few field find fire \
    first fish floor flow follow food foot for form found four free fresh friend from front fruit full garden gave get give glass good grass \
    great green ground group grow half hand happy hard have head hear heart help here high hill hold home horse hour house how hundred ice \
    idea inside island just keep kind kitchen know lake land large last late laugh learn leave left letter light like line list little live \
    long look made make many map mark market may mean measure milk mind minute moment money month moon more morning most mountain mouth move \
    much music must name near need never new next night north nothing now number ocean off often old once only open order other our out over \
    page paint paper part pass path people picture place plain plant play point quick quiet rain reach read ready red rest right ring river \
    road rock room round run salt same sand saw say school sea second see seed sentence set seven shape she ship short show side simple sing \
    sky sleep slow small snow some song soon sound south space spring stand star start stay step still stone stop story street strong such \
    summer sun table take talk tall tell ten than that then there thing think three through time today together too top town travel tree true \
    try turn two under until use valley very view voice wait walk wall want warm watch water wave way week well went west what wheel when \
    where which while white who why wide wind window winter with wood word work world write year yellow yet young
    """)
}
