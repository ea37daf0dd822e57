/* organizations.c: legal forms, the words that head or end the names of bodies, and a few that
 * everybody knows. Written for docmill. */
#include "models/extractive/lexicon.h"

/* clang-format off */
#define WORDS(classes, words) { 0, classes, 0, words }

static const struct dm_ex_row rows[] = {
    WORDS(DM_EX_COMPANY,
      "inc,incorporated,ltd,limited,llc,llp,lp,plc,corp,corporation,co,gmbh,mbh,ag,se,kg,kgaa,ohg,ug,eg,e.v,ev,"
      "sa,sas,sarl,sasu,eurl,srl,spa,bv,nv,ab,as,asa,aps,oy,oyj,kft,zrt,nyrt,оао,ооо,зао,пао,pty,pvt,holdings,"
      "holding,s.a,s.a.s,s.l,s.r.l,s.p.a,b.v,n.v,a.s,a.g,s.r.o,sp.z.o.o"),
    WORDS(DM_EX_BODY_FIRST,
      "university,college,institute,institut,institution,school,faculty,bank,ministry,department,office,bureau,"
      "agency,academy,association,federation,society,council,court,committee,commission,church,museum,library,"
      "universität,hochschule,fachhochschule,ministerium,bundesministerium,amt,bundesamt,amtsgericht,"
      "landgericht,oberlandesgericht,verwaltungsgericht,finanzamt,gesellschaft,verband,bundesverband,verein,"
      "stiftung,stadt,kammer,université,école,ministère,banque,tribunal,cour,académie,fédération,société,"
      "conseil,musée,mairie,préfecture,universidad,ministerio,banco,academia,ayuntamiento,consejo,instituto,"
      "università,ministero,banca,istituto,universidade,ministério,universiteit,ministerie,gemeente"),
    WORDS(DM_EX_BODY_LAST,
      "university,college,institute,bank,foundation,association,society,council,committee,commission,agency,"
      "corporation,company,group,airlines,airways,museum,hospital,church,parliament,federation,authority,"
      "consortium,alliance,ministry,laboratory,laboratories,academy,bureau,enterprises,industries,universität,"
      "hochschule,stiftung,gesellschaft,verlag,versicherung,bundesbank,sparkasse,werke,gruppe,university press,"
      "大学,大學,银行,銀行,公司,集团,博物馆,博物館,图书馆,図書館,研究所,研究院,委员会,委員会,株式会社,協会"),
    WORDS(DM_EX_LINK,
      "of,for,and,the,&,für,der,die,das,des,zu,und,de,du,la,le,les,l,d,et,pour,del,de los,los,las,y,di,della,"
      "delle,dei,do,da,dos,van,voor,en,e"),
    WORDS( DM_EX_ORGANIZATION,
      "google,microsoft,ibm,facebook,netflix,nvidia,intel,amd,cisco,nokia,ericsson,siemens,bosch,bmw,daimler,"
      "volkswagen,porsche,audi,toyota,honda,nissan,hyundai,samsung,sony,panasonic,hitachi,toshiba,huawei,"
      "alibaba,tencent,airbus,boeing,lufthansa,ryanair,easyjet,deutsche bahn,deutsche telekom,deutsche bank,"
      "deutsche post,commerzbank,allianz,basf,bayer ag,novartis,roche,nestlé,unilever,danone,carrefour,renault,"
      "peugeot,totalenergies,credit suisse,ubs,hsbc,barclays,bnp paribas,société générale,goldman sachs,"
      "morgan stanley,jpmorgan,jpmorgan chase,bank of america,citigroup,wells fargo,mastercard,"
      "american express,paypal,amazon web services,youtube,linkedin,spotify,uber,airbnb,tesla motors,openai,"
      "wikipedia,wikimedia foundation,mozilla,red hat,suse,vmware,salesforce,deloitte,kpmg,"
      "pricewaterhousecoopers,pwc,accenture,mckinsey,pfizer,biontech,astrazeneca,moderna,glaxosmithkline,merck,"
      "johnson & johnson,coca-cola,pepsico,mcdonald's,starbucks,walmart,ikea,adidas,lidl,aldi,exxonmobil,"
      "chevron,gazprom,rosneft,lockheed martin,general electric,general motors,ford motor company,"
      "procter & gamble,philip morris,hewlett-packard,hewlett packard,texas instruments,sun microsystems,nasa,"
      "esa,cern,nato,unesco,unicef,unhcr,opec,oecd,wto,imf,fbi,cia,nsa,nhs,bbc,cnn,nbc,fifa,uefa,ieee,ietf,w3c,"
      "united nations,european union,european commission,european parliament,european central bank,"
      "european council,world bank,world health organization,world trade organization,"
      "international monetary fund,red cross,free software foundation,apache software foundation,"
      "linux foundation,supreme court,federal reserve,security council,general assembly,house of commons,"
      "house of lords,house of representatives,white house,new york times,financial times,wall street journal,"
      "reuters,bloomberg,associated press,der spiegel,europäische union,europäische kommission,"
      "vereinte nationen,bundestag,bundesrat,bundesverfassungsgericht,bundesgerichtshof,bundesnetzagentur,"
      "bundesbank,tüv,union européenne,commission européenne,nations unies,assemblée nationale,sncf,cnrs,insee,"
      "banco santander,unión europea,naciones unidas,comisión europea,bbva,telefónica,unione europea,"
      "nazioni unite,união europeia,petrobras,oas,asean,eu,brics,greenpeace,amnesty international,wwf,"
      "max-planck-gesellschaft,fraunhofer"),
};
/* clang-format on */

const struct dm_ex_table dm_ex_organizations = { rows, DM_COUNT(rows) };
