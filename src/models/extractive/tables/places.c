/* places.c: countries, regions and large cities under the names that common languages give them.
 *
 * Names that are also words or given names stand apart and count only where a preposition or a
 * country beside them says that a place is meant. Written for docmill. */
#include "models/extractive/lexicon.h"

/* clang-format off */
#define WORDS(classes, words) { 0, classes, 0, words }

static const struct dm_ex_row rows[] = {
    /* Countries, English */
    WORDS( DM_EX_PLACE,
      "afghanistan,albania,algeria,andorra,angola,argentina,armenia,australia,austria,azerbaijan,bahamas,"
      "bahrain,bangladesh,barbados,belarus,belgium,belize,benin,bhutan,bolivia,bosnia,bosnia and herzegovina,"
      "botswana,brazil,brunei,bulgaria,burkina faso,burundi,cambodia,cameroon,canada,cape verde,chile,china,"
      "colombia,congo,costa rica,croatia,cuba,cyprus,czech republic,czechia,denmark,djibouti,dominica,"
      "dominican republic,ecuador,egypt,el salvador,england,eritrea,estonia,eswatini,ethiopia,fiji,finland,"
      "france,gabon,gambia,germany,ghana,greece,greenland,grenada,guatemala,guinea,guyana,haiti,honduras,"
      "hong kong,hungary,iceland,india,indonesia,iran,iraq,ireland,israel,italy,ivory coast,jamaica,japan,"
      "kazakhstan,kenya,kosovo,kuwait,kyrgyzstan,laos,latvia,lebanon,lesotho,liberia,libya,liechtenstein,"
      "lithuania,luxembourg,macau,madagascar,malawi,malaysia,maldives,mali,malta,mauritania,mauritius,mexico,"
      "moldova,monaco,mongolia,montenegro,morocco,mozambique,myanmar,namibia,nepal,netherlands,the netherlands,"
      "new zealand,nicaragua,niger,nigeria,north korea,north macedonia,northern ireland,norway,oman,pakistan,"
      "palestine,panama,papua new guinea,paraguay,peru,philippines,poland,portugal,puerto rico,qatar,romania,"
      "russia,russian federation,rwanda,san marino,saudi arabia,scotland,senegal,serbia,seychelles,"
      "sierra leone,singapore,slovakia,slovenia,somalia,south africa,south korea,south sudan,soviet union,"
      "spain,sri lanka,sudan,suriname,sweden,switzerland,syria,taiwan,tajikistan,tanzania,thailand,togo,"
      "tunisia,turkmenistan,türkiye,uganda,ukraine,united arab emirates,united kingdom,united states,"
      "united states of america,uruguay,usa,uzbekistan,vatican city,venezuela,vietnam,wales,yemen,zambia,"
      "zimbabwe,great britain,britain,uk,u.k,u.s,u.s.a,uae,holland"),
    /* Countries, other languages */
    WORDS(DM_EX_PLACE,
      "deutschland,bundesrepublik deutschland,österreich,schweiz,frankreich,italien,spanien,großbritannien,"
      "vereinigtes königreich,niederlande,belgien,luxemburg,dänemark,schweden,norwegen,finnland,polen,"
      "tschechien,slowakei,slowenien,ungarn,rumänien,bulgarien,griechenland,türkei,russland,kroatien,serbien,"
      "irland,vereinigte staaten,kanada,mexiko,brasilien,argentinien,kolumbien,ägypten,marokko,südafrika,"
      "indien,indonesien,südkorea,australien,neuseeland,allemagne,autriche,suisse,italie,espagne,angleterre,"
      "grande-bretagne,royaume-uni,pays-bas,belgique,danemark,suède,norvège,finlande,pologne,hongrie,roumanie,"
      "grèce,turquie,russie,irlande,états-unis,brésil,argentine,maroc,algérie,tunisie,égypte,sénégal,inde,"
      "chine,japon,australie,alemania,francia,italia,españa,suiza,inglaterra,reino unido,países bajos,bélgica,"
      "dinamarca,suecia,noruega,finlandia,polonia,grecia,turquía,rusia,irlanda,estados unidos,méxico,brasil,"
      "perú,marruecos,egipto,japón,germania,svizzera,spagna,regno unito,paesi bassi,stati uniti,giappone,cina,"
      "brasile,alemanha,frança,espanha,suíça,portugal,angola,moçambique,duitsland,frankrijk,spanje,zwitserland,"
      "verenigd koninkrijk,verenigde staten,nederland,belgië,tyskland,frankrike,sverige,norge,danmark,suomi,"
      "magyarország,românia,polska,česko,россия,россии,германия,германии,франция,франции,украина,украины,китай,"
      "сша,великобритания,日本,中国,韓国,韩国,台湾,美国,英国,法国,德国,アメリカ,ドイツ,フランス,イギリス,대한민국,"
      "한국"),
    /* Continents, unions of states, seas and regions */
    WORDS( DM_EX_PLACE,
      "europe,asia,africa,north america,south america,latin america,central america,antarctica,middle east,"
      "southeast asia,scandinavia,balkans,the balkans,baltic sea,north sea,black sea,mediterranean,"
      "mediterranean sea,atlantic ocean,pacific ocean,indian ocean,arctic ocean,himalayas,alps,andes,pyrenees,"
      "sahara,siberia,caribbean,europa,asien,afrika,nordamerika,südamerika,ostsee,nordsee,mittelmeer,alpen,"
      "amérique du nord,amérique du sud,afrique,asie,méditerranée,américa latina,silicon valley,wall street,"
      "bavaria,bayern,saxony,sachsen,hessen,baden-württemberg,nordrhein-westfalen,niedersachsen,"
      "rheinland-pfalz,thüringen,brandenburg,schleswig-holstein,mecklenburg-vorpommern,sachsen-anhalt,tirol,"
      "tyrol,normandy,normandie,bretagne,brittany,provence,bourgogne,catalonia,cataluña,andalucía,tuscany,"
      "toscana,lombardia,lombardy,sicily,sicilia,sardinia,flanders,quebec,québec,ontario,british columbia,"
      "new south wales,queensland,crimea"),
    /* States of the USA */
    WORDS( DM_EX_PLACE,
      "alabama,alaska,arizona,arkansas,california,colorado,connecticut,delaware,florida,hawaii,idaho,illinois,"
      "indiana,iowa,kansas,kentucky,louisiana,maine,maryland,massachusetts,michigan,minnesota,mississippi,"
      "missouri,montana,nebraska,nevada,new hampshire,new jersey,new mexico,new york,new york state,"
      "north carolina,north dakota,ohio,oklahoma,oregon,pennsylvania,rhode island,south carolina,south dakota,"
      "tennessee,texas,utah,vermont,west virginia,wisconsin,wyoming,washington state,washington d.c,"
      "district of columbia"),
    /* Cities */
    WORDS( DM_EX_PLACE,
      "aachen,aarhus,aberdeen,abidjan,abu dhabi,accra,addis ababa,adelaide,algiers,amsterdam,ankara,antwerp,"
      "athens,atlanta,auckland,augsburg,baghdad,bangalore,bengaluru,bangkok,barcelona,basel,beijing,beirut,"
      "belfast,belgrade,bergen,berlin,bern,bielefeld,bilbao,birmingham,bochum,bogotá,bogota,bologna,bonn,"
      "bordeaux,boston,bratislava,braunschweig,bremen,brisbane,bristol,brno,brussels,bruxelles,bucharest,"
      "bucurești,budapest,buenos aires,cairo,calcutta,calgary,canberra,cape town,caracas,cardiff,casablanca,"
      "chemnitz,chennai,chicago,cincinnati,cleveland,cologne,copenhagen,copenhague,dakar,damascus,darmstadt,"
      "delhi,den haag,denver,detroit,dhaka,doha,dortmund,dresden,dubai,dublin,duisburg,düsseldorf,edinburgh,"
      "eindhoven,erfurt,firenze,frankfurt,frankfurt am main,freiburg,gdańsk,geneva,genève,genf,genoa,genova,"
      "ghent,glasgow,gothenburg,göteborg,göttingen,graz,grenoble,groningen,guangzhou,hague,the hague,hamburg,"
      "hannover,hanoi,havana,heidelberg,helsinki,ho chi minh city,houston,hyderabad,innsbruck,istanbul,jakarta,"
      "jerusalem,johannesburg,karlsruhe,kassel,kathmandu,kiel,kiev,kyiv,kinshasa,kobe,kolkata,köln,krakow,"
      "kraków,kuala lumpur,kyoto,lagos,lahore,las vegas,lausanne,leeds,leipzig,lille,lima,linz,lisbon,lisboa,"
      "liverpool,ljubljana,london,londres,los angeles,luanda,lübeck,lucerne,lyon,maastricht,madrid,magdeburg,"
      "mailand,mainz,manchester,manila,mannheim,maputo,marrakesh,marseille,mecca,melbourne,memphis,mexico city,"
      "miami,milan,milano,minneapolis,minsk,montevideo,montpellier,montreal,montréal,moscow,mumbai,munich,"
      "münchen,münster,nagoya,nairobi,nanjing,nantes,naples,napoli,new delhi,new orleans,new york city,calais,"
      "cambridge,córdoba,newcastle,nuremberg,nürnberg,odessa,osaka,oslo,ottawa,oxford,padova,palermo,"
      "panama city,paris,perth,philadelphia,phoenix,pittsburgh,portland,porto,porto alegre,potsdam,poznań,"
      "prague,praha,pretoria,quito,regensburg,reykjavik,rennes,riga,rio de janeiro,riyadh,rome,rostock,"
      "rotterdam,saarbrücken,saint petersburg,salt lake city,salzburg,san antonio,st. louis,sydney,san diego,"
      "san francisco,san josé,santiago de chile,são paulo,sao paulo,sarajevo,seattle,seoul,sevilla,seville,"
      "shanghai,sheffield,shenzhen,sofia,st. gallen,stockholm,strasbourg,stuttgart,tallinn,tampa,tbilisi,"
      "tehran,tel aviv,tianjin,tokyo,toronto,toulouse,trieste,tripoli,trondheim,tübingen,tunis,turin,torino,"
      "turku,ulm,uppsala,utrecht,valencia,vancouver,venice,venezia,verona,vienna,wien,vilnius,warsaw,warszawa,"
      "wellington,wiesbaden,wrocław,wuhan,wuppertal,würzburg,yokohama,zagreb,zürich,zurich,zaragoza,venedig,"
      "florenz,neapel,rom,roma,moskau,peking,prag,warschau,brüssel,lissabon,athen,kopenhagen,varsovie,moscou,"
      "vienne,pékin,москва,москве,москвы,санкт-петербург,петербург,санкт-петербурге,санкт-петербурга,"
      "петербурге,петербурга,новосибирск,екатеринбург,казань,киев,минск,берлин,лондон,париж,東京,大阪,京都,横浜,"
      "名古屋,北京,上海,香港,广州,深圳,台北,서울,부산,東京都,大阪府"),
    /* Also words, given names or surnames */
    WORDS( DM_EX_PLACE_OR_WORD,
      "america,jordan,georgia,chad,turkey,guinea,mobile,reading,bath,nice,cork,orange,split,essen,halle,"
      "florence,austin,dallas,lincoln,columbus,charlotte,jackson,madison,washington,york,victoria,santiago,"
      "virginia,carolina,dover,berkeley,stanford,hull,kent,surrey,sussex,buffalo,savannah,independence,lead,"
      "richmond,alexandria,troy,como,tours,pau,hagen,hof,worms,singen,cannes,limburg,lens,brest,vigo,león,"
      "granada,toledo,gaza,us"),
    WORDS( DM_EX_STREET,
      "street,avenue,boulevard,lane,drive,road,square,court,highway,plaza,rue,place,quai,calle,avenida,paseo,"
      "via,viale,piazza,corso,rua,praça,straat,laan,gasse,allee,platz,weg,ufer,damm,straße,strasse,улица,"
      "проспект"),
    WORDS(DM_EX_PLACE_BEFORE,
      "in,from,at,to,near,of,throughout,across,outside,inside,between,around,toward,towards,into,leaving,"
      "visiting,aus,nach,bei,zwischen,à,en,au,aux,chez,vers,desde,hacia,hasta,a,da,di,em,no,na,para,te,naar,"
      "uit,i,från,till,fra,til,в,из,под"),
};
/* clang-format on */

const struct dm_ex_table dm_ex_places = { rows, DM_COUNT(rows) };
